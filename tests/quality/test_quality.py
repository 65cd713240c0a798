"""Data quality: sound data pass every check, and each kind of damage is found by the check that is meant for it."""

from dataclasses import replace

import numpy as np
import pytest

from python.data.image_file import write_image_file
from python.data.neighbours import neighbours_of
from python.data.point_clouds import PointClouds, PointSet, write_point_file
from python.general_purpose_libs import DataError
from python.physics.constants import ELECTRON_MASS_MEV
from python.quality.quality import FAIL, OK, SKIPPED, WARN, check_folders
from tests.synthetic import image_file, old_metadata, write_old_file

N = 40


def momentum_gev(kinetic_mev):
    return np.sqrt(kinetic_mev * (kinetic_mev + 2 * ELECTRON_MASS_MEV)) / 1e3


def set_energy(table, kinetic_mev):
    """Give the electrons kinetic energies: a momentum along z, and the recorded energy."""
    table["particle_momentum_x"] = table["particle_momentum_y"] = 0
    table["particle_momentum_z"] = momentum_gev(kinetic_mev)
    table["true_electron_energy"] = kinetic_mev


def sound_file(plane="X", seed=0, source="one.root"):
    """Images with all that own files record: two an event, one of them the main track, which has a match."""
    content = image_file(N, seed, plane, source)
    table, rng = content.metadata, np.random.default_rng(seed)
    main = table["is_main_track"] == 1
    table["match_id"] = np.where(main, table["event"], -1)
    set_energy(table, np.repeat(1.5 * table["cluster_energy"][main], 2))
    table["nu_momentum_z"] = table["nu_momentum_x"] = table["nu_momentum_y"] = 0.01
    for name, low, high in (("true_pos_x", 10, 350), ("true_pos_y", 10, 590), ("true_pos_z", 10, 220)):
        table[name] = np.repeat(rng.uniform(low, high, N // 2), 2)
    table["apa"] = 1
    table["face"] = 1 if plane == "X" else np.where(main, 1, 0)
    table["drift_frame"] = table["face"] != 0
    table["first_tick"], table["first_channel"] = np.arange(N) * 7, 100
    table["arrival"], table["channel"] = np.arange(N) * 7 + 3.5, 101.5
    table["lost_charge"] = 0
    return content


def write(folder, *contents):
    for number, content in enumerate(contents):
        write_image_file(folder / f"f{number}_plane{content.plane}.npz", content)
    return folder


def found(quality, name, plane="X"):
    (check,) = [check for check in quality.of(plane) if check.name == name]
    return check


def test_sound_data_pass_every_check(tmp_path):
    quality = check_folders([write(tmp_path, *map(sound_file, "UVX"))])
    assert {check.status for check in quality.checks} == {OK}
    assert quality.images == dict.fromkeys("UVX", N)
    assert len(quality.of("X")) == len(quality.of("U")) > 15
    assert found(quality, "match numbers", "all").values == {"matches": N / 2, "complete": N / 2}


def no_flag(table):
    table["is_es_interaction"][:2] = 3


def marley_as_main(table):
    table["is_main_track"] = table["is_marley"]


def background_as_main(table):
    table["is_marley"][1] = 0


def positions_as_momenta(table):
    for axis in "xyz":
        table[f"particle_momentum_{axis}"] = table[f"true_pos_{axis}"]


def energies_as_momenta(table):
    """Read off by one place: the last component is the cluster's energy."""
    table["particle_momentum_z"] = table["cluster_energy"]


def infinite_momentum(table):
    table["particle_momentum_x"][0] = np.inf


def no_momentum(table):
    for axis in "xyz":
        table[f"particle_momentum_{axis}"][:2] = 0
        table[f"particle_momentum_{axis}"][2:4] = np.nan


def energy_of_another(table):
    table["true_electron_energy"][1] += 5.5


def other_wire_map(table):
    table["apa"] = 0


@pytest.mark.parametrize(
    ("damage", "name", "status", "images"),
    [
        (no_flag, "flags", FAIL, 2),
        (marley_as_main, "main tracks", FAIL, N),
        (background_as_main, "main tracks", WARN, 1),
        (positions_as_momenta, "size of momenta", FAIL, N),
        (energies_as_momenta, "size of momenta", FAIL, None),
        (infinite_momentum, "size of momenta", FAIL, 1),
        (no_momentum, "known momenta", WARN, 2),
        (energy_of_another, "momentum and energy", FAIL, 1),
        (lambda table: table["cluster_energy"].__setitem__(slice(3), [np.nan, np.inf, -1]), "energies", FAIL, 3),
        (lambda table: table["true_nu_energy"].__setitem__(0, -1), "energies", FAIL, 1),
        (lambda table: table["true_pos_x"].__setitem__(slice(3), 400), "vertices", FAIL, 3),
        (lambda table: table["true_pos_z"].__setitem__(slice(3), -20), "vertices", FAIL, 3),
        (other_wire_map, "face and APA", FAIL, N // 2),
        (lambda table: table["drift_frame"].fill(-1), "orientation", WARN, N),
        (lambda table: table["drift_frame"].__setitem__(1, 0), "orientation", WARN, 1),
        (lambda table: table["lost_charge"].fill(0.1), "cropped charge", WARN, N),
        (lambda table: table["cluster_energy"].__imul__(-1), "energies", FAIL, N),
    ],
)
def test_damage_is_found_by_its_check(tmp_path, damage, name, status, images):
    content = sound_file()
    damage(content.metadata)
    check = found(check_folders([write(tmp_path, content)]), name)
    assert check.status == status
    assert images is None or check.images == images
    assert check.remedy


def test_volumes_and_points_are_checked_by_what_they_hold(tmp_path):
    volumes = replace(sound_file(), kind="volumes")
    write_image_file(tmp_path / "a_volume_planeX.npz", volumes)
    clouds = PointClouds(np.arange(N + 1), np.ones((N, 9), np.float32))
    points = PointSet(clouds, volumes.metadata, neighbours_of(volumes.metadata), volumes.sources)
    write_point_file(tmp_path / "a_points.npz", points)
    quality = check_folders([tmp_path])
    assert quality.images == {"volumes X": N, "points": N}
    assert {check.status for check in quality.checks} == {OK}
    for title in quality.images:
        said = found(quality, "contents", title).finding
        assert f"{N // 2} events, {N // 2} ES and {N // 2} CC, 0 of unknown interaction" in said
        assert f"{N // 2} around main tracks, {N // 2} matched" in said
    assert "in the median 1 points a cluster (0% U, 100% V, 0% X)" in said
    positions_as_momenta(volumes.metadata)
    write_image_file(tmp_path / "a_volume_planeX.npz", volumes)
    write_point_file(tmp_path / "a_points.npz", points)
    (tmp_path / "torn_points.npz").touch()
    quality = check_folders([tmp_path])
    for title in quality.images:
        assert found(quality, "size of momenta", title).status == FAIL
    torn = found(quality, "files", "points")
    assert (torn.status, torn.values) == (FAIL, {"files": 2, "broken": 1})
    assert "torn_points.npz" in torn.finding


def test_few_vertices_outside_warn_and_background_has_none(tmp_path):
    contents = [sound_file(seed=seed, source=f"{seed}.root") for seed in range(4)]
    contents[0].metadata["true_pos_y"][0] = 650
    contents[1].metadata["true_pos_y"][0], contents[1].metadata["is_marley"][0] = 650, 0
    check = found(check_folders([write(tmp_path, *contents)]), "vertices")
    assert (check.status, check.images, check.total) == (WARN, 1, 4 * N - 1)


def test_empty_and_repeated_images(tmp_path):
    content = sound_file()
    content.images = content.images[
        [*range(5), 1, *range(6, N)]
    ]  # image 5 has the labels of image 1, and now its pixels
    content.images.data[content.images.indptr[8] : content.images.indptr[9]] = 0
    quality = check_folders([write(tmp_path, content)])
    repeated = found(quality, "repeated images")
    assert (repeated.status, repeated.images, repeated.values["repeated_fraction"]) == (WARN, 1, 1 / N)
    assert "other labels" not in repeated.finding
    empty = found(quality, "empty images")
    assert (empty.status, empty.images) == (FAIL, 1)
    assert found(quality, "repeated clusters").status == OK
    content.images = content.images[[0, 0, *range(2, N)]]
    assert "1 of those with other labels" in found(check_folders([write(tmp_path, content)]), "repeated images").finding


def test_a_source_that_is_there_twice(tmp_path):
    quality = check_folders([write(tmp_path / "a", sound_file()), write(tmp_path / "b", sound_file())])
    assert found(quality, "repeated clusters").status == FAIL
    assert found(quality, "repeated clusters").images == N
    assert found(quality, "repeated images").values["repeated_fraction"] == 0.5
    assert (found(quality, "events and files").status, found(quality, "events and files").images) == (WARN, N)
    assert found(quality, "main tracks").status == FAIL


def test_the_same_events_of_other_sources_are_no_repetition(tmp_path):
    contents = [sound_file(seed=seed, source=f"{seed}.root") for seed in range(2)]
    quality = check_folders([write(tmp_path, *contents)])
    assert {check.status for check in quality.checks} == {OK}
    assert found(quality, "events and files").values["events"] == N


def test_matches_within_a_plane_and_between_planes(tmp_path):
    planes = {plane: sound_file(plane) for plane in "UVX"}
    planes["U"].metadata["match_id"][1] = planes["U"].metadata["match_id"][3]  # twice on U, of two events
    planes["V"].metadata["match_id"][5] = -1
    quality = check_folders([write(tmp_path, *planes.values())])
    numbers, events = found(quality, "match numbers", "all"), found(quality, "matched events", "all")
    assert (numbers.status, numbers.images) == (FAIL, 2)
    assert numbers.values == {"matches": N / 2, "complete": N / 2 - 2}
    assert (events.status, events.images) == (FAIL, 4)  # both on U, and those that they belong to on V and X


def test_match_numbers_that_shift_between_planes(tmp_path):
    planes = {plane: sound_file(plane) for plane in "UX"}
    planes["U"].metadata["event"] += 1
    quality = check_folders([write(tmp_path, *planes.values())])
    assert found(quality, "match numbers", "all").status == OK
    assert found(quality, "matched events", "all").images == N


def test_a_source_that_lacks_a_plane(tmp_path):
    contents = [sound_file("U"), sound_file("X"), sound_file("X", 1, "two.root")]
    check = found(check_folders([write(tmp_path, *contents)]), "planes", "all")
    assert (check.status, check.images) == (WARN, N)
    assert "two.root" in check.finding
    assert not check_folders([tmp_path], "X").of("all")


@pytest.mark.parametrize("helps", [True, False])
def test_energy_for_each_trigger_primitive(tmp_path, helps):
    """0.7 MeV for each trigger primitive is exactly what is missing, or nothing but noise."""
    content = sound_file()
    table, n_tps = content.metadata, np.random.default_rng(3).integers(0, 60, N // 2).repeat(2)
    table["n_tps"] = n_tps
    energy = np.repeat(table["cluster_energy"][1::2], 2)
    set_energy(table, energy + 0.7 * n_tps if helps else energy)
    quality = check_folders([write(tmp_path, content)])
    plain, added = found(quality, "reconstructed energy"), found(quality, "0.7 MeV per TP")
    far = np.mean(0.7 * n_tps > 5)
    with_tps, without = (added.values, plain.values) if helps else (plain.values, added.values)
    assert with_tps["correlation"] == pytest.approx(1)
    assert with_tps["far_fraction"] == 0
    assert without["far_fraction"] == far
    assert without["mean_difference_mev"] == pytest.approx(0.7 * n_tps.mean(), rel=1e-4)
    assert added.status == (WARN if helps else OK)
    assert ("better" if helps else "worse") in added.finding


def test_energies_that_have_nothing_to_do_with_the_momenta(tmp_path):
    content = sound_file()
    set_energy(content.metadata, 10 - np.repeat(content.metadata["cluster_energy"][1::2], 2))
    check = found(check_folders([write(tmp_path, content)]), "reconstructed energy")
    assert check.status == WARN
    assert check.values["correlation"] == pytest.approx(-1)
    set_energy(content.metadata, 20)
    assert found(check_folders([write(tmp_path, content)]), "reconstructed energy").status == SKIPPED


def test_files_of_two_calibrations(tmp_path):
    contents = [sound_file(seed=seed, source=f"{seed}.root") for seed in range(2)]
    contents[1].metadata["cluster_energy"] *= 4100 / 3600
    contents[1].metadata["lost_charge"] = 0.5  # halves image and energy alike, so it must not count
    contents[1].metadata["cluster_energy"] *= 2
    check = found(check_folders([write(tmp_path, *contents)]), "calibration")
    assert check.status == WARN
    assert (check.values["low"], check.values["high"]) == pytest.approx((3600, 4100), rel=1e-4)


def old_file(path, plane="X", **columns):
    """An old file of 18 columns in which some are replaced."""
    write_old_file(path, N, 18, plane)
    arrays = dict(np.load(path))
    metadata = arrays["metadata"]
    metadata[:, 6] = np.abs(metadata[:, 6])  # z begins at 0
    metadata[:, 13] = np.where(np.arange(N) % 2 == 1, np.arange(N) // 2, -1)
    for column, values in columns.items():
        metadata[:, int(column[1:])] = values
    np.savez(path, **arrays)


def test_recorded_energy_of_old_files_is_compared_with_the_momentum(tmp_path):
    kinetic = np.repeat(np.linspace(10, 40, N // 2), 2)
    recorded = np.where(np.arange(N) < N // 4, kinetic - 8, kinetic - 1)  # a quarter lacks 8 MeV
    recorded[0::2] = 1  # clusters beside the main track: not compared
    old_file(tmp_path / "a_planeX.npz", c7=0, c8=0, c9=momentum_gev(kinetic), c11=recorded)
    quality = check_folders([tmp_path])
    check = found(quality, "momentum and energy")
    assert (check.status, check.images, check.total) == (WARN, N // 8, N // 2)
    assert check.values["far_fraction"] == 0.25
    assert check.values["mean_difference_mev"] == pytest.approx(0.25 * 8 + 0.75 * 1, rel=1e-3)
    assert "ADC sum" in check.finding
    assert found(quality, "orientation").status == WARN
    assert "old_flips" in found(quality, "orientation").remedy
    assert found(quality, "0.7 MeV per TP").status == SKIPPED
    assert found(quality, "repeated clusters").status == SKIPPED
    assert quality.count(FAIL) == 0


@pytest.mark.parametrize("columns", [11, 12, 13, 14])
def test_older_layouts_are_checked_too(tmp_path, columns):
    quality = check_folders([write_old_file(tmp_path / "a_planeX.npz", N, columns).parent])
    assert quality.images == {"X": N}
    assert found(quality, "momentum and energy").status == (SKIPPED if columns == 11 else WARN)


def test_broken_files_are_results_and_the_rest_is_checked(tmp_path):
    write(tmp_path, sound_file())
    shifted = np.roll(old_metadata(N, 18), 3, axis=1)  # positions where momenta belong
    np.savez(tmp_path / "shifted_planeX.npz", images=np.ones((N, 128, 32), np.float32), metadata=shifted)
    (tmp_path / "cut_planeX.npz").write_bytes(b"PK")
    quality = check_folders([tmp_path])
    check = found(quality, "files")
    assert (check.status, check.total, check.values) == (FAIL, N, {"files": 3, "broken": 2})
    assert "shifted_planeX.npz: metadata fit no known layout" in check.finding
    assert "cut_planeX.npz" in check.finding
    assert {other.status for other in quality.checks if other.name != "files"} == {OK}


def test_no_usable_file_and_no_image(tmp_path):
    (tmp_path / "cut_planeX.npz").write_bytes(b"PK")
    content = sound_file("U")
    content.images, content.metadata = content.images[:0], content.metadata[:0]
    quality = check_folders([write(tmp_path, content)])
    assert (found(quality, "files").status, found(quality, "files", "U").status) == (FAIL, WARN)
    assert len(quality.checks) == 2


def test_folders_without_images(tmp_path):
    with pytest.raises(DataError, match="no such data folder"):
        check_folders([tmp_path / "missing"])
    (tmp_path / "empty").mkdir()
    write(tmp_path / "full", sound_file())
    with pytest.raises(DataError, match=r"empty: no image file"):
        check_folders([tmp_path / "full", tmp_path / "empty"])
    with pytest.raises(DataError, match="of plane U"):
        check_folders([tmp_path / "full"], "U")
