"""Lists in the other formats that MARLEY writes, packed lists, files that are named and refused, and mutated lists."""

import bz2
import gzip
import json
import lzma
import re
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from python.general_purpose_libs import DataError
from python.simulation.marley_events import read_marley_events
from tests.simulation.test_marley_events import CC_EVENT, ES_EVENT, NEUTRAL_EVENT, NEUTRON_EVENT, refused, write

EVENTS = (CC_EVENT, NEUTRAL_EVENT, ES_EVENT, NEUTRON_EVENT)


def parsed(event):
    """Excitation, and the particles before and after, of an event in MARLEY's ASCII format."""
    head, *lines = (text.split() for text in event)
    rows = [[float(text) for text in line] for line in lines]
    return float(head[2]), rows[:2], rows[2:]


def hepevt(event, before=3, with_nucleus=True):
    excitation, initial, final = parsed(event)
    lines = [(before, row) for row in initial] + [(1, row) for row in final]
    text = [
        f"{status} {row[0]:.0f} 0 0 0 0 " + " ".join(repr(row[i] / 1000) for i in (2, 3, 4, 1, 5)) + " 0. 0. 0. 0."
        for status, row in lines
    ]
    if with_nucleus:
        text.insert(2, f"11 0 2 1 0 0 0 0 0 {excitation!r} 5.98e-19 0. 0. 0. 0.")
    return "\n".join([f"0 {len(text)}", *text]) + "\n"


def json_list(*events):
    def particles(rows):
        return [dict(zip(("pdg", "E", "px", "py", "pz", "mass", "charge"), row, strict=True)) for row in rows]

    content = [
        {"Ex": excitation, "initial_particles": particles(initial), "final_particles": particles(final)}
        for excitation, initial, final in map(parsed, events)
    ]
    return json.dumps({"events": content, "gen_state": {"event_count": len(content), "seed": "15"}}, indent=2) + "\n"


def hepmc3(*events, unit="MEV"):
    """Events as MARLEY 2 writes them: all that comes out, after a vertex where neutrino and target meet."""
    scale = {"MEV": 1.0, "GEV": 1e-3}[unit]
    text = [
        "HepMC::Version 3.03.00",
        "HepMC::Asciiv3-START_EVENT_LISTING",
        "W CV",
        r"T MARLEY\|2.0.0\|",
        "A NuHepMC.Version 1",
    ]
    for number, (excitation, initial, final) in enumerate(map(parsed, events)):
        nucleus = [1000190400, 37227.0, 0, 0, 9.0, 37226.9]
        rows = [(0, initial[0], 4), (0, initial[1], 20), *((-1, row, 1) for row in final), (-1, nucleus, 27)]
        text += [f"E {number} 1 {len(rows)}", f"U {unit} CM", "W 1.0", "A 0 signal_process_id 100"]
        text += [f"A {len(rows)} Ex {excitation!r}", f"A {len(rows)} parity 1"]
        for i, (parent, row, status) in enumerate(rows, 1):
            if i == 3:
                text.append("V -1 1 [1,2]")
            values = " ".join(repr(row[column] * scale) for column in (2, 3, 4, 1, 5))
            text.append(f"P {i} {parent} {row[0]:.0f} {values} {status}")
    return "\n".join([*text, "HepMC::Asciiv3-END_EVENT_LISTING", "", ""])


TEXTS = {
    "HEPEVT": "".join(hepevt(event) for event in EVENTS),
    "HEPEVT of 1.0": "".join(hepevt(event, before=0, with_nucleus=False) for event in EVENTS),
    "JSON": json_list(*EVENTS),
    "JSON joined": json_list(*EVENTS[:1]) + json_list(*EVENTS[1:]),
    "HepMC3": hepmc3(*EVENTS),
    "HepMC3 in GeV": hepmc3(*EVENTS, unit="GEV"),
    "HepMC3 joined": hepmc3(*EVENTS[:3]) + hepmc3(*EVENTS[3:]),
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_format_gives_the_same_events(tmp_path, name):
    other = tmp_path / "list"
    other.write_text(TEXTS[name])
    expected, found = read_marley_events(write(tmp_path / "list.ascii", *EVENTS)), read_marley_events(other)
    assert found.format.startswith(name.split()[0]) or "JSON" in found.format
    assert found.left_out == expected.left_out == 1
    if name == "HEPEVT of 1.0":  # which does not tell it: what the neutrino brings and the electron does not take
        kinetic = np.hypot([14.0, 10.0, 26.0], 0.51099895) - 0.51099895
        expected.interactions.excitation[:] = np.where([0, 1, 0], 0.0, [20.0, 30.0, 40.0] - kinetic - 1.5044)
    for kind in ("interactions", "particles"):
        for column, values in vars(getattr(expected, kind)).items():
            assert np.allclose(getattr(getattr(found, kind), column), values, atol=1e-9), column


DELAYED = """HepMC::Version 3.03.00
HepMC::Asciiv3-START_EVENT_LISTING
E 7 3 8
U MEV CM
A 0 signal_process_id 100
A 4 Ex 1.9446
A 6 Ex 0.8
P 1 0 12 0 0 10.0 10.0 0 4
P 2 0 1000180400 0 0 0 37224.7225 37224.7225 20
V -1 1 [1,2]
P 3 -1 11 6.53 0 0 6.55 0.511 1
P 4 -1 1000190400 0 0 3.4 37228.2 37228.2 27
V -2 23 [4] @ 0 0 0 29979.2458
P 5 -2 22 1.1446 0 0 1.1446 0 1
P 6 -2 1000190400 0 0 3.4 37227.0 37227.0 28
P 7 6 22 0 0.8 0 0.8 0 1
P 8 6 1000190400 0 0 3.4 37226.2 37226.2 1
HepMC::Asciiv3-END_EVENT_LISTING
"""


def test_photons_of_hepmc3_come_when_their_level_decays(tmp_path):
    path = tmp_path / "list.hepmc3"
    path.write_text(DELAYED)
    listed = read_marley_events(path)
    assert listed.particles.pdg.tolist() == [11, 22, 22]
    assert listed.particles.time == pytest.approx(
        [0.0, 1.0, 1.0]
    )  # us; the last from a vertex without a place of its own
    assert listed.interactions.excitation.tolist() == [1.9446]


def test_times_of_hepevt(tmp_path):
    path = tmp_path / "list.hepevt"
    path.write_text(hepevt(CC_EVENT).removesuffix("0.\n") + "2.99792458e5\n")
    assert read_marley_events(path).particles.time == pytest.approx([0.0, 0.0, 1.0])


def pack_zip(path, *texts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, text in enumerate(texts):
            archive.writestr(f"lists/list{number}.ascii", text)


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("ending", [*PACKERS, "zip"])
def test_packed_lists(tmp_path, ending):
    plain = write(tmp_path / "list.ascii", CC_EVENT, ES_EVENT)
    packed = tmp_path / f"list.{ending}"
    if ending == "zip":
        pack_zip(packed, plain.read_text())
    else:
        packed.write_bytes(PACKERS[ending](plain.read_bytes()))
    assert read_marley_events(packed).digest == read_marley_events(plain).digest
    if ending != "zip":  # packed lists that were joined
        packed.write_bytes(packed.read_bytes() * 2)
        assert len(read_marley_events(packed).interactions) == 4
    packed.write_bytes(packed.read_bytes()[:-20])
    refused(packed, "cannot be unpacked", "copy it again")


def test_an_archive_of_several_lists_is_refused(tmp_path):
    pack_zip(tmp_path / "lists.zip", "1.0", "2.0")
    refused(tmp_path / "lists.zip", "2 files")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"root\x00\x00\xf7\x2c\xff", ["ROOT", "ascii", "marley convert"]),
        (gzip.compress(b"root\x00\x00\xf7\x2c\xff", mtime=0), ["ROOT", "ascii"]),
        (b"\x28\xb5\x2f\xfd\x04\x00", ["zstd", "unzstd"]),
        (b"HepMC::Version 2.06.09\nHepMC::IO_GenEvent-START_EVENT_LISTING\n", ["HepMC", "another version"]),
        (b"<LesHouchesEvents version='1.0'>\n", ["<LesHouchesEvents", "format"]),
        (b"particle with PDG code = 12\n", ["format that is known"]),
    ],
)
def test_other_formats_are_named_with_the_remedy(tmp_path, content, words):
    (tmp_path / "list").write_bytes(content)
    refused(tmp_path / "list", *words)


JSON, HEPMC3, HEPEVT = TEXTS["JSON"], TEXTS["HepMC3"], TEXTS["HEPEVT"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("".join(HEPEVT.splitlines(keepends=True)[:-1]), ["line 27", "ends within an event"]),
        (HEPEVT.replace("0 7", "0 6", 1), ["line 8", "NEVHEP NHEP"]),
        (HEPEVT.replace("0 7", "0 0", 1), ["line 1", "NEVHEP NHEP"]),
        (hepevt(CC_EVENT).replace(" 0. 0. 0. 0.", "", 1), ["line 2", "15 numbers"]),
        (hepevt(CC_EVENT).replace(" 0.000510998", " 0.510998"), ["line 1", "do not go together"]),
        (JSON[: len(JSON) // 2], ["line", "JSON breaks"]),
        (json.dumps({"events": [{}]}), ["event 1", "initial_particles"]),
        (json.dumps({"events": [3]}), ["event 1", "initial_particles"]),
        (json.dumps({"reactions": ["ve40ArCC.react"]}), ["line 1", '"events"']),
        (json.dumps({"events": []}), ["no events"]),
        (JSON.replace("12.0", '"nue"', 1), ["event 1", "7 numbers"]),
        (JSON.replace("12.0", "1" * 400, 1), ["event 1", "7 numbers"]),
        ('{"events": ' + "[" * 100_000, ["line 1", "JSON"]),
        (HEPMC3[: HEPMC3.rindex("P 5 ")], ["line 45", "4 of the 6 particles"]),
        (HEPMC3.replace("U MEV CM", "U EV CM", 1), ["line 7", "MEV or GEV"]),
        (HEPMC3.replace("E 0 1 7", "E 0 1", 1), ["line 6", "E number"]),
        (HEPMC3.replace(" 4\n", " beam\n", 1), ["line 12", "9 numbers"]),
        (DELAYED.replace("29979.2458", "-29979.2458"), ["line 3", "older"]),
        (DELAYED[: DELAYED.index("E 7")], ["no events"]),
    ],
)
def test_damage_is_named_with_its_place(tmp_path, text, words):
    path = tmp_path / "list"
    path.write_text(text)
    refused(path, *words)


MUTABLE = [*TEXTS.values(), DELAYED, "1.0\n" + "\n".join([*CC_EVENT, "2.0", *ES_EVENT])]
NUMBERS = ["0", "1", "-1", "2", "11", "12", "3.5", "1e308", "nan", "99999999999999999999"]
WORDS = [*NUMBERS, "E", "P", "V", "A", "@", "[]", "{", "]", ",", ":", "\n", "\n\n", "\xe9", "\0"]


@st.composite
def mutated(draw):
    """A list of any format in which words are replaced, left out or doubled, perhaps packed, perhaps cut off."""
    words = re.split(r"(\s+)", draw(st.sampled_from(MUTABLE)))
    for _ in range(draw(st.integers(0, 3))):
        position = draw(st.integers(0, len(words) - 1))
        words[position] = draw(st.sampled_from([*WORDS, "", 2 * words[position], words[position - 1]]))
    pack = draw(
        st.sampled_from([str.encode, *(lambda text, pack=pack: pack(text.encode()) for pack in PACKERS.values())])
    )
    content = pack("".join(words))
    return content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 4)) == 0 else content


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated())
def test_a_mutated_list_is_read_or_refused(tmp_path, content):
    path = tmp_path / "list"
    path.write_bytes(content)
    try:
        listed = read_marley_events(path)
    except DataError:
        return
    numbers = np.column_stack([listed.particles.energy, listed.particles.time, listed.particles.direction])
    assert np.isfinite(numbers).all()
    assert np.isfinite(listed.interactions.nu_energy).all()
    assert np.allclose(np.linalg.norm(listed.particles.direction, axis=1), 1)
