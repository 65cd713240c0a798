"""Lists in MARLEY's ASCII format: a round trip, rotation, and every kind of damage named with file and line."""

import numpy as np
import pytest

from python.general_purpose_libs import DataError
from python.simulation.marley_events import read_marley_events

M = 0.51099895
NEUTRON_MASS = 939.56542


def line(pdg, direction, momentum, mass):
    energy = np.hypot(momentum, mass)
    px, py, pz = momentum * np.asarray(direction)
    return f" {pdg} {energy:.17e} {px:.17e} {py:.17e} {pz:.17e} {mass:.17e} 0"


ALONG_Z, ALONG_X, ALONG_Y = np.eye(3)[[2, 0, 1]]
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


def write(path, *events, head="5.98e-19"):
    path.write_text("\n".join([head, *(text for event in events for text in event)]) + "\n", encoding="ascii")
    return path


def test_round_trip(tmp_path):
    interactions, particles = read_marley_events(write(tmp_path / "list.ascii", CC_EVENT, ES_EVENT, NEUTRON_EVENT))
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


def test_blank_lines_at_the_end_are_no_events(tmp_path):
    path = write(tmp_path / "list.ascii", CC_EVENT)
    path.write_text(path.read_text() + "\n")
    assert len(read_marley_events(path)[0]) == 1


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
        ([changed(CC_EVENT, 0, "2 4 4.38")], ["line 2", "Ni Nf Ex"]),
        ([changed(CC_EVENT, 0, "two 4 4.38 0 +")], ["line 2", "Ni Nf Ex"]),
        ([changed(CC_EVENT, 0, "2 5 4.38 0 +"), ES_EVENT], ["line 9", "7 numbers"]),
        ([changed(CC_EVENT, 3, " 11 nan 0 0 1 0 0")], ["line 5", "7 numbers"]),
        ([changed(CC_EVENT, 3, " 11 1.0 0 0 zero 0 0")], ["line 5", "7 numbers"]),
        ([ES_EVENT, changed(CC_EVENT, 3, line(12, ALONG_X, 9.0, 0.0))], ["line 7", "electron go out"]),
        ([changed(CC_EVENT, 5, line(22, ALONG_X, 0.0, 0.0))], ["line 2", "does not move"]),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, events, words):
    refused(write(tmp_path / "list.ascii", *events), *words)


def test_other_files_are_refused(tmp_path):
    refused(tmp_path / "missing.ascii", "No such file")
    refused(write(tmp_path / "text.ascii", CC_EVENT, head="{ json: true }"), "line 1")
    (tmp_path / "binary").write_bytes(b"root\xff\x00" * 9)
    refused(tmp_path / "binary", "not text")
    (tmp_path / "empty").write_bytes(b"")
    refused(tmp_path / "empty", "ends within")
