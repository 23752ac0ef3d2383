"""Where a project's requests go, at what pace, and the client that takes them there."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from kfpipe import environment
from kfpipe.addresses import is_loopback
from kfpipe.catalogue import Catalogue, Offer, Region
from kfpipe.domain import EMULATOR_REGION, Account
from kfpipe.environment import Environment
from kfpipe.errors import AccountRefused, Refused
from kfpipe.files.durable import storage
from kfpipe.project import Project
from kfpipe.provider import Provider
from kfpipe.runner.settings import Pace, RunLimits
from kfpipe.wording import echoed

EMULATOR_KEY: Final = "sk-emulator"
NO_KEY: Final = "kfpipe.NoKey"
PLAN_KEY: Final = "kfpipe.PlanKey"
_PLAN_KEY_START: Final = "sk-sp-"
"""Of a Token Plan's keys, which the service refuses here. Source: API reference, section 18.4."""

_KEY_DIGITS: Final = 12
_ACCOUNT_LIMITS: Final = ("submissions_per_second", "concurrent_tasks", "queries_per_second")


def is_charged(project: Project) -> bool:
    """Whether its renders cost money."""
    return project.region.name != EMULATOR_REGION


def base_url(project: Project, settings: Environment) -> str | None:
    """Where requests go; None: to an emulator that the run starts for itself.

    The variable wins over the manifest, the manifest over the region. An emulated project never leaves this
    machine: for it the variable only counts when it names an emulator that already runs here. Raises `Refused` when the
    key would go to an address that comes from elsewhere than the key.
    """
    if not is_charged(project):
        return settings.base_url if settings.base_url is not None and is_loopback(settings.base_url) else None
    own = project.manifest.provider
    return settings.trusted_base_url(own.account) or own.base_url or regional_url(project.region, own.workspace)


def regional_url(region: Region, workspace: str | None) -> str:
    """The region's address. Raises `Refused` where only a workspace has one, and none is given."""
    url = region.base_url(workspace)
    if url is None:
        raise Refused.because(
            "provider",
            f"the region {region.name} has no host that all accounts share: each workspace has its own",
            expected=f"`workspace: ws-...`, or `base_url: {region.workspace_url('WORKSPACE')}`",
            fix=f"give the workspace's id in `provider`, or set {environment.BASE_URL}",
        )
    return url


def api_key(project: Project, settings: Environment) -> str:
    """The key to use there. Raises `AccountRefused` when there is none that can be valid."""
    if not is_charged(project):
        return EMULATOR_KEY
    name = project.manifest.provider.account
    key = settings.key_of(name)
    if key is None:
        whose = "" if name is None else f" for the account {echoed(name)}"
        raise AccountRefused(NO_KEY, f"no API key{whose}: {environment.key_name(name)} is not set")
    if key.startswith(_PLAN_KEY_START):
        what = f"the key in {environment.key_name(name)} is one of a Token Plan ({_PLAN_KEY_START}...)"
        raise AccountRefused(PLAN_KEY, f"{what}: it is not valid for video, and a plan's terms forbid programs")
    return key


def account(project: Project, settings: Environment) -> Account:
    """Whose money a request of the project spends; its key is None where there is none yet."""
    provider, name = project.manifest.provider, project.manifest.provider.account
    if not is_charged(project):
        return Account(host=EMULATOR_REGION, name=name)
    parts = urlsplit(base_url(project, settings) or "")
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    key = settings.key_of(name)
    digest = None if key is None else hashlib.sha256(key.encode()).hexdigest()[:_KEY_DIGITS]
    return Account(host=host, workspace=provider.workspace, key=digest, name=name)


def limits(project: Project) -> RunLimits:
    """What the account allows there: the manifest's numbers for all models, the catalogue's for each."""
    own, listed = project.manifest.limits, catalogue_limits(project.catalogue, project.region)
    return replace(
        listed,
        shared_submissions_per_second=own.submissions_per_second,
        shared_concurrent_tasks=own.concurrent_tasks,
        queries_per_second=own.queries_per_second or listed.queries_per_second,
    )


def catalogue_limits(catalogue: Catalogue, region: Region) -> RunLimits:
    """What the catalogue says of each model in a region."""
    offers = {name: model.offers.get(region.name) for name, model in catalogue.models.items()}
    return RunLimits(
        models={name: _pace(offer) for name, offer in offers.items() if offer is not None},
        shared_submissions_per_second=None,
        shared_concurrent_tasks=None,
        queries_per_second=region.queries_per_second,
    )


def groups(project: Project) -> dict[str, str]:
    """The models that share their tasks at once with others there, and the name under which they do."""
    paces = limits(project).models.items()
    return {model: pace.tasks_with for model, pace in paces if pace.tasks_with is not None}


def _pace(offer: Offer) -> Pace:
    group = offer.group
    return Pace(
        submissions_per_second=offer.submissions_per_second,
        concurrent_tasks=offer.concurrent_tasks,
        tasks_with=group.name if group else None,
        rate_with=group.name if group and group.rates else None,
    )


@asynccontextmanager
async def provider(project: Project, settings: Environment) -> AsyncIterator[Provider]:
    """The service that the project's requests go to. Raises `AccountRefused` without a key."""
    key, url = api_key(project, settings), base_url(project, settings)
    if url is not None:
        async with _client(project, settings, url, key) as client:
            yield client
        return
    import anyio.to_thread

    from kfpipe import emulator as service  # its server and encoder are loaded only when they are used

    own = project.manifest.limits
    given = {name: limit for name in _ACCOUNT_LIMITS if (limit := getattr(own, name)) is not None}
    home = project.state_dir / f"{project.stem}.emulator"  # submitted tasks continue when this process is killed
    own_region = project.manifest.provider.priced_in
    try:
        emulator = service.Emulator(
            factor=settings.emulator_factor,
            limits=given,
            priced_in=None if own_region is None else own_region.name,
            state_dir=home,
        )
    except service.ModelsInvalid as error:
        raise Refused.because(service.MODELS, str(error), fix="correct the file, or unset the variable") from error
    with storage(home):
        await anyio.to_thread.run_sync(emulator.__enter__)
    try:
        async with _client(project, settings, emulator.base_url, key) as client:
            yield client
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(emulator.__exit__, None, None, None)


def _client(project: Project, settings: Environment, url: str, key: str) -> AbstractAsyncContextManager[Provider]:
    from kfpipe.provider.client import DashScope  # planning works without HTTP

    return DashScope(
        base_url=url,
        api_key=key,
        region=project.region.name,
        catalogue=project.catalogue,
        project=project.folder,
        uploads_file=project.state_dir / "uploads.jsonl",
        workspace=project.manifest.provider.workspace,
        submit_timeout_s=settings.submit_timeout_s,
        burn_in=None if is_charged(project) else project.manifest.provider.burn_in,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """`base_url` is None for an emulator that the run starts for itself."""

    provider: str
    region: str
    base_url: str | None
    prices_as_of: date

    @property
    def is_charged(self) -> bool:
        """Whether its renders cost money."""
        return self.region != EMULATOR_REGION

    @property
    def text(self) -> str:
        """The destination in a phrase that follows "goes to"."""
        if self.is_charged:
            return f"{self.base_url} (region {self.region}), prices as of {self.prices_as_of}"
        where = "the emulator" if self.base_url is None else f"the emulator at {self.base_url}"
        return f"{where}: nothing is charged"


def destination(project: Project) -> Destination:
    """The project's destination, with the environment applied."""
    return Destination(
        provider=project.manifest.provider.name,
        region=project.region.name,
        base_url=base_url(project, environment.read()),
        prices_as_of=project.catalogue.as_of,
    )
