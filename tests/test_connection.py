"""Where requests go, and what an emulator learns that the service does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from kfpipe import catalogue, connection, emulator
from kfpipe.domain import MediaRole
from kfpipe.environment import API_KEY, Environment
from kfpipe.errors import Refused
from kfpipe.project import Options, Project, load
from tests.provider.conftest import Stub, reply

SHOTS = """\
kfpipe: 1
provider: {provider}
shots: [{{id: kitten, model: wan2.7-i2v, first_frame: a.png, prompt: A kitten looks up., matrix: {{lens: [50, 85]}}}}]
"""
CREATED = {"request_id": "r1", "output": {"task_id": "t1", "task_status": "PENDING"}}


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    yield stub
    stub.close()


def project(folder: Path, provider: str, options: Options | None = None) -> Project:
    Image.new("RGB", (640, 360)).save(folder / "a.png")
    (folder / "shots.yaml").write_text(SHOTS.format(provider=provider), "utf-8")
    return load(folder / "shots.yaml", options or Options())


def reaching(base_url: str | None) -> Environment:
    return Environment(keys={API_KEY: "sk-x"}, base_url=base_url, submit_timeout_s=5.0, emulator_factor=1.0)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("provider", "heard"),
    [
        ("{name: emulator}", "kitten%40lens%3D50"),
        ("{name: emulator, burn_in: false}", ""),
        ("{name: dashscope}", None),
        ("{name: dashscope, burn_in: true}", None),
    ],
)
async def test_only_an_emulator_learns_the_name_of_a_take(
    tmp_path: Path, stub: Stub, provider: str, heard: str | None
) -> None:
    stub.script = [reply(200, CREATED)]
    loaded = project(tmp_path, provider)
    take, _ = loaded.takes
    async with connection.provider(loaded, reaching(stub.base_url)) as client:
        await client.submit(take.request, {MediaRole.FIRST_FRAME: "https://host.example/a.png"}, take_id=take.id)
    assert stub.heard[-1].headers.get("x-kfpipe-burn-in") == heard


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("provider", "options", "currency", "price"),
    [
        ("{name: dashscope, region: beijing}", Options(emulator=True), "CNY", "0.60"),
        ("{name: dashscope}", Options(emulator=True), "USD", "0.10"),
        ("{name: emulator}", Options(), "USD", "0.10"),
    ],
)
async def test_a_rehearsal_has_the_prices_of_the_manifest_s_own_region(
    tmp_path: Path, provider: str, options: Options, currency: str, price: str
) -> None:
    async with connection.provider(project(tmp_path, provider, options), reaching(None)) as client:
        base_url = repr(client).split("'")[1]
        async with httpx.AsyncClient(headers={"Authorization": "Bearer sk-x"}, verify=False) as http:
            bill = (await http.get(base_url.replace("api/v1", "emulator/bill"))).json()
            models = (await http.get(f"{base_url}/models")).json()["output"]["models"]
    assert bill["currency"] == currency
    (first, *_) = next(model["prices"] for model in models if model["model"] == "wan2.7-i2v")
    assert (first["price"], first["currency"]) == (price, currency)


@pytest.mark.anyio
async def test_a_bad_file_of_more_models_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models.toml").write_text("x", "utf-8")
    monkeypatch.setenv("KFPIPE_EMULATOR_MODELS", str(tmp_path / "models.toml"))
    with pytest.raises(Refused, match=r"models\.toml: Expected"):
        async with connection.provider(project(tmp_path, "{name: emulator}"), reaching(None)):
            pass


def test_every_region_and_every_model_of_the_catalogue_can_be_emulated() -> None:
    known = catalogue.shipped()
    assert set(known.regions) <= set(emulator.REGIONS)
    missing = {
        (region, offer.wire_name)
        for model in known.models.values()
        for region, offer in model.offers.items()
        if offer.wire_name not in emulator.REGIONS[region]
    }
    assert missing == set()
