"""What a training tells HTCondor's starter on its node, here a server that takes note; HTCondor's own client says the same."""

import socketserver
import threading

import pytest
from htcondor2 import htchirp

from python.batch.progress import PROGRESS, Progress, read_progress, tell


@pytest.fixture
def starter(tmp_path, monkeypatch):
    """`starter.said` holds the lines that came; `starter.answer` is what it answers to each."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                self.server.said.append(line.decode())
                self.wfile.write(self.server.answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.said, server.answer = True, [], b"0\n"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        file = tmp_path / ".chirp.config"
        file.write_text(f"127.0.0.1 {server.server_address[1]} c00kie\n")
        monkeypatch.setenv("_CONDOR_CHIRP_CONFIG", str(file))
        yield server
        server.shutdown()


def test_the_starter_hears_what_htcondors_own_client_would_say(starter):
    tell(3, 50, "val_loss", 0.125)
    said, starter.said = starter.said, []
    value = said[1].split(" ", 2)[2].replace("\\ ", " ").rstrip("\n")
    assert read_progress(value.strip('"'))
    with htchirp.HTChirp() as client:
        client.set_job_attr_delayed(PROGRESS, value)
    assert list(dict.fromkeys(starter.said)) == said  # it connects twice


def test_what_is_told_can_be_read(starter):
    tell(3, 50, "val_auc", None)
    (value,) = [line for line in starter.said if PROGRESS in line]
    read = read_progress(value.split('"')[1].replace("\\ ", " "))
    assert (read.epoch, read.epochs, read.name, read.best) == (3, 50, "val_auc", None)


@pytest.mark.parametrize("answer", [b"-1\n", b""])
def test_a_starter_that_refuses_does_no_harm(starter, answer, monkeypatch):
    monkeypatch.setattr("python.batch.progress.ANSWER_WITHIN_S", 0.1)
    starter.answer = answer
    tell(1, 2, "val_loss", 0.5)
    assert len(starter.said) == 1  # after the cookie


def test_without_a_starter_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.delenv("_CONDOR_CHIRP_CONFIG", raising=False)
    tell(1, 2, "val_loss", 0.5)
    monkeypatch.setenv("_CONDOR_CHIRP_CONFIG", str(tmp_path / "gone"))
    tell(1, 2, "val_loss", 0.5)


@pytest.mark.parametrize("value", [None, "", "3 50", "a b c d e", 7])
def test_what_others_wrote_is_no_progress(value):
    assert read_progress(value) is None
    assert read_progress("3 50 val_loss 0.5 1700000000") == Progress(3, 50, "val_loss", 0.5, 1.7e9)
