"""What is handed over to a cluster comes back from its plain data as it was, and is known by what it asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from kfpipe.cluster import jobs
from kfpipe.cluster.jobs import Job, Payer, job_id
from kfpipe.domain import Account, LocalMedium, MediaRole, Original, Take
from tests.support import makers

PAYER = Payer(
    account=Account(host="dashscope-intl.aliyuncs.com", workspace=None, key="0123456789ab", name="studio"),
    region="singapore",
    base_url="https://dashscope-intl.aliyuncs.com",
)


def job(take: Take | None = None) -> Job:
    take = take or makers.take("walk")
    return Job(id="j", take_id=take.id, asked=makers.submitting(take).asked, take=take, past=("walk/1",))


def travelled(one: Job) -> Job:
    return jobs.from_json(one.id, json.loads(json.dumps(one.to_json())))


def test_a_payer_and_a_job_come_back_as_they_were() -> None:
    assert Payer.from_json(json.loads(json.dumps(PAYER.to_json()))) == PAYER
    one = travelled(job())
    assert one.asked == job().asked
    assert one.past == ("walk/1",)
    assert one.take is not None
    assert one.take.request.media == makers.take("walk").request.media
    assert travelled(replace(job(), take=None, key="walk/2")).key == "walk/2"


def test_a_prepared_still_remembers_what_it_was_made_from_and_a_cap_its_last_digit() -> None:
    take = makers.take("walk")
    still = take.request.media[0]
    assert isinstance(still.medium, LocalMedium)
    original = Original(path="stills/wide.png", sha256="f" * 64, recipe=("cover",))
    prepared = replace(still, medium=replace(still.medium, original=original))
    media = (prepared, *take.request.media[1:])
    take = replace(take, request=replace(take.request, media=media), cap_price=Decimal("0.4375"))
    back = travelled(job(take)).take
    assert back is not None
    assert (back.request.media, back.cap_price) == (media, Decimal("0.4375"))


def test_a_still_that_is_in_the_store_is_named_by_its_address_and_keeps_its_digest() -> None:
    take = makers.take("walk")
    at = jobs.with_media(take, {MediaRole.FIRST_FRAME: "https://store.example.com/first.png"})
    by_role = {one.role: one.medium for one in at.request.media}
    assert by_role[MediaRole.FIRST_FRAME].digest == take.request.media[0].medium.digest
    back = travelled(job(at)).take
    assert back is not None
    assert back.request.media == at.request.media


def test_a_job_is_known_by_account_and_request_and_by_its_take_only_where_the_seed_is_random() -> None:
    take = makers.take("walk")
    here = job_id(PAYER.id, take, made=0, project="p")
    assert here == job_id(PAYER.id, replace(take, id="other"), made=0, project="q")
    assert len({here, job_id("else", take, made=0, project="p"), job_id(PAYER.id, take, made=1, project="p")}) == 3
    unseeded = replace(take.request, parameters=replace(take.request.parameters, seed=None))
    random = replace(take, request=unseeded)
    assert job_id(PAYER.id, random, made=0, project="p") != job_id(PAYER.id, random, made=0, project="q")
    assert jobs.job_of_request(PAYER.id, "walk/1") not in {here, jobs.job_of_request("else", "walk/1")}
