"""One architecture a file: what stands here can be named in a configuration."""
