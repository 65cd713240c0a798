"""A folder from which nothing may be taken: whatever Python or pytest would read in the folder that it is called in is wrong."""

SHADOWS = ("random", "json", "typing", "numpy", "keras", "ipyparallel", "pytest", "conftest", "sitecustomize")
PACKAGES = ("python", "mt_identifier", "channel_tagging", "electron_direction", "benchmarks", "tests")


def hostile_folder(folder):
    """Make `folder`, in which modules of many names end whoever imports them."""
    for name in PACKAGES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise SystemExit('{name} of the caller was imported')\n")
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of the caller was imported')\n")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --of-the-caller\n")
    return folder
