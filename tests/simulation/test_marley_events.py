"""Lists in MARLEY's ASCII format: a round trip, joined lists, events that are left out, every damage named with its line."""

import numpy as np
import pytest

from python.general_purpose_libs import DataError
from python.simulation.marley_events import marley_list, read_marley_events

M = 0.51099895
NEUTRON_MASS = 939.56542


def line(pdg, direction, momentum, mass):
    energy = np.hypot(momentum, mass)
    px, py, pz = momentum * np.asarray(direction)
    return f" {pdg} {energy:.17e} {px:.17e} {py:.17e} {pz:.17e} {mass:.17e} 0"


ALONG_Z, ALONG_X, ALONG_Y = np.eye(3)[[2, 0, 1]]
ARGON = line(1000180400, ALONG_Z, 0.0, 37224.7)
CC_EVENT = (
    " 2 4 4.3837 0 +",
    line(12, ALONG_Z, 20.0, 0.0),
    line(1000180400, ALONG_Z, 0.0, 37224.7),
    line(11, ALONG_X, 14.0, M),
    line(1000190400, ALONG_Y, 5.0, 37225.7),
    line(22, -ALONG_Y, 2.09, 0.0),
    line(22, ALONG_Z, 0.65, 0.0),
)
ES_EVENT = (
    " 2 2 0 0 +",
    line(-14, ALONG_Y, 30.0, 0.0),
    line(11, ALONG_Y, 0.0, M),
    line(-14, ALONG_Y, 20.0, 0.0),
    line(11, ALONG_Y, 10.0, M),
)
NEUTRON_EVENT = (
    " 2 3 11.59108 2 +",
    line(12, ALONG_Z, 40.0, 0.0),
    line(1000180400, ALONG_Z, 0.0, 37224.7),
    line(2112, ALONG_X, 50.0, NEUTRON_MASS),
    line(11, ALONG_Z, 26.0, M),
    line(1000190390, ALONG_X, 5.0, 36294.0),
)
NEUTRAL_EVENT = (
    " 2 3 9.757 2 +",
    line(14, ALONG_Z, 30.0, 0.0),
    ARGON,
    line(14, ALONG_X, 20.0, 0.0),
    line(1000180400, ALONG_Z, 10.0, 37224.7),
    line(22, ALONG_Y, 9.757, 0.0),
)
POSITRON_EVENT = (
    " 2 2 0 0 +",
    line(-12, ALONG_Z, 30.0, 0.0),
    ARGON,
    line(-11, ALONG_X, 21.0, M),
    line(1000170400, ALONG_Z, 10.0, 37232.0),
)


def write(path, *events, head="5.98e-19", encoding="ascii"):
    path.write_text("\n".join([head, *(text for event in events for text in event)]) + "\n", encoding=encoding)
    return path


def test_round_trip(tmp_path):
    listed = read_marley_events(write(tmp_path / "list.ascii", CC_EVENT, ES_EVENT, NEUTRON_EVENT))
    interactions, particles = listed.interactions, listed.particles
    assert interactions.is_es.tolist() == [0, 1, 0]
    assert interactions.nu_pdg.tolist() == [12, -14, 12]
    assert interactions.nu_energy == pytest.approx([20, 30, 40])
    assert interactions.nu_direction == pytest.approx(np.stack([ALONG_Z, ALONG_Y, ALONG_Z]))
    kinetic = np.hypot([14.0, 10.0, 26.0], M) - M
    assert interactions.electron_energy == pytest.approx(kinetic)
    assert interactions.electron_direction == pytest.approx(np.stack([ALONG_X, ALONG_Y, ALONG_Z]))
    assert interactions.excitation.tolist() == [4.3837, 0.0, 11.59108]
    assert particles.event.tolist() == [0, 0, 0, 1, 2, 2]
    assert particles.pdg.tolist() == [11, 22, 22, 11, 11, 2112]
    neutron = np.hypot(50.0, NEUTRON_MASS) - NEUTRON_MASS
    assert particles.energy == pytest.approx([kinetic[0], 2.09, 0.65, kinetic[1], kinetic[2], neutron])
    assert particles.direction[1] == pytest.approx(-ALONG_Y)
    assert particles.is_signal.all()
    assert not particles.position.any()


def old(event):
    """An event as MARLEY 1.0 and 1.1 head it, without spin and parity of the nucleus."""
    return (" ".join(event[0].split()[:3]), *event[1:])


NEW_LIST = "\n".join(["5.98e-19", *CC_EVENT, *ES_EVENT]) + "\n"
OTHER_LIST = "\n".join(["1.20e-18", *NEUTRON_EVENT]) + "\n"
OLD_LIST = "\n".join([*old(CC_EVENT), *old(ES_EVENT)]) + "\n"


@pytest.mark.parametrize(
    ("text", "energies"),
    [
        (OLD_LIST, [20, 30]),
        (NEW_LIST + OTHER_LIST, [20, 30, 40]),
        (NEW_LIST + OLD_LIST + OTHER_LIST, [20, 30, 20, 30, 40]),
        ("\n" + NEW_LIST + "\n  \n\n" + OTHER_LIST + "\n\n", [20, 30, 40]),
        (NEW_LIST.replace("\n", "\n\n"), [20, 30]),
        ("\ufeff" + NEW_LIST.replace("\n", "\r\n"), [20, 30]),
        (NEW_LIST.rstrip("\n"), [20, 30]),
    ],
    ids=[
        "of 1.0",
        "joined",
        "versions joined",
        "blank between",
        "blank within",
        "from Windows",
        "without an end of line",
    ],
)
def test_lists_of_other_versions_and_joined_ones(tmp_path, text, energies):
    path = tmp_path / "list.ascii"
    path.write_text(text, encoding="utf-8", newline="")
    listed = read_marley_events(path)
    assert listed.interactions.nu_energy == pytest.approx(energies)
    assert listed.interactions.excitation[0] == 4.3837


def test_events_without_an_electron_are_left_out_and_counted(tmp_path):
    path = write(tmp_path / "list.ascii", NEUTRAL_EVENT, CC_EVENT, POSITRON_EVENT, ES_EVENT, NEUTRAL_EVENT)
    listed = read_marley_events(path)
    assert listed.interactions.nu_energy == pytest.approx([20, 30])
    assert listed.particles.event.tolist() == [0, 0, 0, 1]
    assert listed.summary() == (
        "1 charged-current events in MARLEY's ASCII format; not drawn: 1 of elastic scattering, 3 without an electron"
    )


def test_a_list_without_any_electron_is_refused(tmp_path):
    refused(write(tmp_path / "list.ascii", NEUTRAL_EVENT, POSITRON_EVENT), "none of its 2 events", "charged-current")


def test_a_list_is_read_again_when_it_changes(tmp_path):
    path = write(tmp_path / "list.ascii", CC_EVENT)
    first = marley_list(path)
    assert marley_list(path) is first
    write(path, CC_EVENT, ES_EVENT)
    again = marley_list(path)
    assert len(again.interactions) == 2
    assert again.digest != first.digest


def refused(path, *words):
    with pytest.raises(DataError) as caught:
        read_marley_events(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def changed(event, number, text):
    return (*event[:number], text, *event[number + 1 :])


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], ["no events"]),
        ([CC_EVENT, ES_EVENT[:3]], ["line 11", "ends within an event"]),
        ([changed(CC_EVENT, 0, "2 4 4.38 0")], ["line 2", "Ni Nf Ex"]),
        ([changed(CC_EVENT, 0, "3 4 4.38 0 +")], ["line 2", "Ni = 2"]),
        ([changed(CC_EVENT, 0, "2 4 four 0 +")], ["line 2", "number"]),
        ([changed(CC_EVENT, 0, "two 4 4.38 0 +")], ["line 2", "Ni Nf Ex"]),
        ([changed(CC_EVENT, 0, "2 5 4.38 0 +"), ES_EVENT], ["line 9", "7 numbers"]),
        ([changed(CC_EVENT, 3, " 11 nan 0 0 1 0 0")], ["line 5", "7 numbers"]),
        ([changed(CC_EVENT, 3, " 11 1.0 0 0 zero 0 0")], ["line 5", "7 numbers"]),
        ([ES_EVENT, ("", ""), changed(CC_EVENT, 3, " 11 1.0 0 0 zero 0 0")], ["line 12", "7 numbers"]),
        ([ES_EVENT, ("1.2e-18",), changed(CC_EVENT, 3, " 11 1e300 0 0 1 0 0")], ["line 11", "7 numbers"]),
        ([ES_EVENT, changed(CC_EVENT, 1, line(22, ALONG_X, 9.0, 0.0))], ["line 7", "one neutrino"]),
        ([ES_EVENT, changed(CC_EVENT, 3, " 11 14.0 0.511 0 0 14.0 -1")], ["line 7", "units"]),
        ([ES_EVENT, changed(CC_EVENT, 3, " 11 15.0 14.0 0 0 0.511 -1")], ["line 7", "do not go together"]),
        ([changed(CC_EVENT, 5, line(22, ALONG_X, 0.0, 0.0))], ["line 2", "does not move"]),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, events, words):
    refused(write(tmp_path / "list.ascii", *events), *words)


def test_other_files_are_refused(tmp_path):
    refused(tmp_path / "missing.ascii", "No such file")
    refused(tmp_path, "Is a directory")
    refused(write(tmp_path / "text.ascii", CC_EVENT, head="# my events"), "'# my events'", "format")
    refused(write(tmp_path / "latin.ascii", CC_EVENT, head="1.0\n\u00e9", encoding="latin-1"), "line 2", "not text")
    (tmp_path / "empty").write_bytes(b"\n\n")
    refused(tmp_path / "empty", "empty")
