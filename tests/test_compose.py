"""compose.yaml, Dockerfile and prefect.yaml agree with each other and with the code; tests/services runs them."""

import os
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import dask.config
import distributed  # noqa: F401 - brings its part of Dask's configuration
import jsonschema
import orjson
import pytest
import yaml
from prefect.settings.legacy import _get_valid_setting_names
from prefect.settings.models.root import Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = [name for name, service in SERVICES.items() if "build" in service]
GIVEN = sorted({(name, key) for name, service in SERVICES.items() for key in service.get("environment", {})})


def test_it_is_a_compose_file():
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(COMPOSE, orjson.loads(schema.read_bytes()))


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_built_here_or_pinned(name):
    service = SERVICES[name]
    assert "build" in service or re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"])


def test_the_base_image_is_pinned():
    assert re.findall(r"^FROM (.*)$", DOCKERFILE, re.MULTILINE) == ["python:3.11-slim"]


@pytest.mark.parametrize(("service", "variable"), GIVEN)
def test_somebody_reads_each_variable(service, variable):
    if variable.startswith("PREFECT_"):
        assert variable in _get_valid_setting_names(Settings)
    elif variable.startswith("EMBERTEXT_"):
        sources = [ROOT / "prefect.yaml", *(ROOT / "tasks").glob("*.py"), *(ROOT / "data").glob("*.py")]
        assert any(variable in path.read_text() for path in sources)
    elif variable.startswith("DASK_"):
        dask.config.get(variable.removeprefix("DASK_").lower().replace("__", "."))
    elif variable == "HEALTH":
        assert "os.environ['HEALTH']" in DOCKERFILE
    elif service == "s3":
        assert variable in ("ROOT_ACCESS_KEY", "ROOT_SECRET_KEY", "VGW_HEALTH")  # versitygw's documentation
    else:
        sources = [*(ROOT / "data" / "storage").glob("*.py")]
        assert any(variable in path.read_text() for path in sources) or variable == "AWS_DEFAULT_REGION"


def test_what_is_said_twice_is_said_alike():
    keys = SERVICES["s3"]["environment"]
    assert keys["ROOT_ACCESS_KEY"] == SERVICES["worker"]["environment"]["AWS_ACCESS_KEY_ID"]
    assert keys["ROOT_SECRET_KEY"] == SERVICES["worker"]["environment"]["AWS_SECRET_ACCESS_KEY"]
    bucket = SERVICES["bucket"]["command"][-1].split("'")[1]
    assert {
        SERVICES["runner"]["environment"][name].split("/")[2] for name in ("EMBERTEXT_CACHE", "EMBERTEXT_OUTPUT")
    } == {bucket}
    assert all(port.startswith("127.0.0.1:") for service in SERVICES.values() for port in service.get("ports", []))


def test_the_image_has_what_it_copies():
    copied = re.findall(r"^COPY (.*) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert names == allowed
    assert all((ROOT / name).exists() for name in names)
    assert "USER embertext" in DOCKERFILE


@pytest.mark.parametrize("name", ["train", "serve"])
def test_the_image_has_the_commands_that_sagemaker_starts(name, tmp_path):
    found = re.search(r"^RUN (for name in .*?done)$", DOCKERFILE, re.MULTILINE | re.DOTALL)
    subprocess.run(["sh", "-c", found[1].replace("/usr/local/bin", str(tmp_path))], check=True)
    (tmp_path / "embertext").write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    (tmp_path / "embertext").chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert subprocess.check_output([tmp_path / name, "--port", "a b"], env=path) == f"{name}|--port|a b|".encode()
