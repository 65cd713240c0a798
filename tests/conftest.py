from hypothesis import settings

# the clock of a shared machine is no judge of a test
settings.register_profile("project", deadline=None)
settings.load_profile("project")
