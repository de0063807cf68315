"""`starshift store` as it is typed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from learnware.small import small
from starshift.cli.main import app
from starshift.learnware import package


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("STARSHIFT_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("STARSHIFT_STORE_TOKEN", raising=False)
    package.unpack(small(), tmp_path / "model")
    package.unpack(small(1, licence="", version="1.2.0"), tmp_path / "other")


def said(*words: object, code: int = 0) -> str:
    """Both streams of a command that ends with this code."""
    result = CliRunner().invoke(app, ["store", *map(str, words)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_from_an_empty_folder_to_a_pulled_learnware(tmp_path):
    assert "Make one with `starshift store init`" in said("publish", "model", code=2)
    assert said("init") == f"An empty store is in {tmp_path / 'store'}.\n"
    assert "holds a store already" in said("init", code=2)
    assert said("list") == f"Nothing is in {tmp_path / 'store'}.\n"
    one = small()
    assert said("publish", "model", "--name", "cats") == (
        f"Published cats:1.0.0 (10.8 kB, id {one.id[:12]}) in {tmp_path / 'store'}.\n"
    )
    assert "already, with this very content" in said("publish", "model", "--name", "cats")
    assert "Published frozen-for-cat-dog:1.2.0" in (output := said("publish", "other"))
    assert "It names no licence" in output
    lines = said("list").splitlines()
    assert lines[0].split("  ")[0] == "learnware"
    assert re.match(r"cats:1\.0\.0 +frozen for cat, dog +CC-BY-4\.0 +10\.8 kB +20\d\d-", lines[1])
    assert json.loads(said("list", "--format", "json").splitlines()[0])["id"] == one.id
    assert said("list", "--task", "regression") == f"Nothing is in {tmp_path / 'store'} for the task 'regression'.\n"
    card = said("show", "cats")
    assert card.startswith(f"cats:1.0.0, id {one.id}\nPublished ") and "# frozen for cat, dog" in card
    assert said("pull", "cats") == "Learnware: cats-1.0.0\n"
    assert package.load(tmp_path / "cats-1.0.0").id == one.id
    assert "cats-1.0.0 is there already" in said("pull", "cats", code=2)
    assert said("pull", one.id[:8], "--out", "here/cats") == "Learnware: here/cats\n"
    assert "2 learnwares in 2 files read" in said("verify") and "all as they were published" in said("verify")
    assert "no place for a reason" in said("remove", "cats", "--because", "old", code=2)
    assert said("remove", "cats") == "Deleted cats:1.0.0.\n"
    assert "cats is not in the store" in said("pull", "cats", code=2)
    log = said("log").splitlines()
    assert [line.split("  ")[1:4] for line in log] == [
        ["(here)", "publish", "cats:1.0.0"],
        ["(here)", "publish", "frozen-for-cat-dog:1.2.0"],
        ["(here)", "delete", "cats:1.0.0"],
    ]


def test_version_and_licence_are_written_into_what_is_published(tmp_path):
    said("init")
    said("publish", "model", "--name", "cats")
    assert "--version 1.0.1" in said("publish", "other", "--name", "cats", "--version", "1.0.0", code=2)
    said("publish", "other", "--name", "cats", "--version", "1.0.1", "--licence", "MIT")
    said("pull", "cats")
    pulled = package.load(tmp_path / "cats-1.0.1").learnware
    assert (pulled.version, pulled.licence) == ("1.0.1", "MIT")
    assert "is no SPDX expression" in said("publish", "model", "--licence", "free", code=2)
    assert "a version is three numbers" in said("publish", "model", "--version", "2", code=2)


def test_damage_is_listed_and_ends_with_2(tmp_path):
    said("init")
    said("publish", "model", "--name", "cats")
    (file,) = (tmp_path / "store/files").glob("*/*")
    file.write_bytes(b"x")
    output = said("verify", code=2)
    assert "1 learnware in 0 files read (0 bytes); 1 problem." in output
    assert "cats:1.0.0: The file " in output and "is damaged" in output


def test_a_run_is_published_and_used(finished_run, tmp_path):
    said("init")
    assert "Published convnet-28px-for-" in said("publish", finished_run.path, "--licence", "MIT")
    assert "is not there; name a run" in said("publish", "nowhere", code=2)
    (tmp_path / "empty").mkdir()
    assert "empty" in said("publish", "empty", code=2)


def test_tokens_are_made_listed_and_revoked():
    said("init")
    assert said("token") == ""
    output = said("token", "anna", "--most-megabytes", "5")
    assert re.match(r"anna/[\w-]{43}\nShown this once\. anna sets it as STARSHIFT_STORE_TOKEN\.\n", output)
    assert re.match(r"anna  made .* UTC  5\.0 MB, 1,000 learnwares at most  holds\n", said("token"))
    assert said("token", "anna", "--revoke") == "The token of anna no longer holds.\n"
    assert "revoked" in said("token")
    assert "There is no token of the name ann." in said("token", "ann", "--revoke", code=2)
    assert "goes with the name" in said("token", "--revoke", code=2)


def test_limits_of_a_server_are_checked_all_at_once():
    output = said("serve", "--largest-megabytes", "0", "--reads-per-minute", "0", code=2)
    assert len(output.splitlines()) == 2 and "--reads-per-minute must be 1 or more; 0 came." in output


def test_a_server_as_a_process(tmp_path):
    pytest.importorskip("fastapi")
    said("init")
    token = said("token", "anna").splitlines()[0]
    place = str(tmp_path / "store")
    command = [sys.executable, "-m", "starshift", "store", "serve", "--store", place, "--port"]
    port = 20_000 + os.getpid() % 20_000
    with (tmp_path / "errors").open("w") as errors:
        server = subprocess.Popen([*command, str(port)], stderr=errors)
    address = ("--store", f"http://127.0.0.1:{port}")
    until = time.monotonic() + 60
    while "cannot be reached" in CliRunner().invoke(app, ["store", "list", *address]).output:
        assert time.monotonic() < until and server.poll() is None, (tmp_path / "errors").read_text()
        time.sleep(0.1)
    assert "is read with a token" in said("list", *address, code=2)
    os.environ["STARSHIFT_STORE_TOKEN"] = token
    try:
        assert "Published cats:1.0.0" in said("publish", "model", "--name", "cats", *address)
        assert "by anna" in said("show", "cats", *address)
        assert said("pull", "cats", *address) == "Learnware: cats-1.0.0\n"
        output = said("remove", "cats", "--because", "Not ours.", *address)
        assert output == "Withdrew cats:1.0.0; its files are gone, its name and version stay taken.\n"
        assert "was withdrawn on 20" in (told := said("pull", "cats", *address, code=2))
        assert "by anna: Not ours." in told
        assert "withdrawn" in said("list", "--withdrawn", *address)
        assert "is served; tokens, log and serving are for the machine" in said("token", "x", *address, code=2)
    finally:
        del os.environ["STARSHIFT_STORE_TOKEN"]
        server.terminate()
    server.wait(30)
    told = (tmp_path / "errors").read_text()
    assert f"Serving {place} on http://127.0.0.1:{port}; Ctrl-C stops." in told and "Traceback" not in told


def test_a_learnware_goes_through_a_registry(tmp_path):
    from learnware import fake_registry

    said("init")
    said("publish", "other", "--name", "cats")
    with fake_registry.running() as registry:
        at = f"oci://{registry.host}/team/pets"
        assert said("push", "model", f"{at}:1.0.0").startswith(f"Pushed to {at}:1.0.0, sha256:")
        assert "Pushed to" in said("push", "cats", at, "--store", tmp_path / "store")
        assert said("pull", at, "--out", "newest") == "Learnware: newest\n"
        assert package.load(tmp_path / "newest").learnware.version == "1.2.0"
        assert said("pull", f"{at}:1.0.0") == "Learnware: pets-1.0.0\n"
        assert "has no team/pets:7.0.0" in said("pull", f"{at}:7.0.0", code=2)


def test_the_help_of_stores_imports_no_library_but_the_command_lines():
    code = "import sys\nfrom starshift.cli.main import main\nsys.argv = ['starshift', 'store', '--help']\n"
    code += "try: main()\nexcept SystemExit: pass\nprint('IMPORTED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.rpartition("IMPORTED ")[2].split()}
    assert not imported & {"sqlalchemy", "alembic", "numpy", "fastapi", "uvicorn", "obstore", "psycopg", "msgspec"}
