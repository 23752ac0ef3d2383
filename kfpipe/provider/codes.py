"""What an error code of the service means for the request that it answers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from kfpipe.domain import ABANDONED, CANCELED, NEVER_CREATED, NO_LINK, NO_REASON

NOT_CONNECTED: Final = "kfpipe.NotConnected"
"""No connection came about: the request never left."""

PAGE_SIZE: Final = "kfpipe.PageSize"
"""The task list has no pages as large as were asked for: a smaller size has to be asked for."""

LINK_REFUSED: Final = "kfpipe.LinkRefused"
"""The address of a clip has expired or must not be visited."""

STORAGE: Final = "kfpipe.Storage"
"""The service's file storage refused an upload; its own code follows after a dot."""


CERTIFICATE: Final = "kfpipe.Certificate"
"""The host's certificate is not trusted: the request never left."""


class ThrottleKind(StrEnum):
    """What the service complained about."""

    RATE = "rate"
    BURST = "burst"
    QUOTA = "quota"


class Verdict(StrEnum):
    """What to do after a code: ACCOUNT stops the run; FINAL and UNKNOWN are shown, and not repeated."""

    ACCOUNT = "account"
    THROTTLED_RATE = "throttled: rate"
    THROTTLED_BURST = "throttled: burst"
    THROTTLED_QUOTA = "throttled: quota"
    TRANSIENT = "transient"
    FINAL = "final"
    UNKNOWN = "unknown"

    @property
    def throttle(self) -> ThrottleKind | None:
        """The way to slow down, None when the code does not ask for it."""
        return _THROTTLES.get(self)

    @property
    def may_pass(self) -> bool:
        """Whether the same request can succeed later, if only more slowly."""
        return self is Verdict.TRANSIENT or self.throttle is not None


def verdict(code: str | None, message: str = "") -> Verdict:
    """The meaning of the longest known prefix of `code`, counted in dotted parts.

    Where one code means several things, the service's `message` decides. Source: API reference, section 7.
    """
    prefix = code or ""
    while prefix:
        for fragment, meaning in _BY_MESSAGE.get(prefix, {}).items():
            if fragment in message.casefold():
                return meaning
        if prefix in _BY_CODE:
            return _BY_CODE[prefix]
        prefix = prefix.rpartition(".")[0]
    return Verdict.UNKNOWN


def is_closed(code: str) -> bool:
    """Whether a model may not be open to the account: not switched on, not bought, or not for this key.

    Source: API reference, section 7; reference of the partners' models, errors.
    """
    return code.startswith(("ModelNotFound", "model_not_found", "Model.", "AccessDenied", "CommodityNotPurchased"))


def is_budget_used_up(status: int, message: str) -> bool:
    """Whether the account's own budget at the service is used up; its code is not documented, its sentence is.

    Source: API reference, section 18.4.
    """
    words = message.casefold()
    return status == 429 and "budget" in words and ("budget management" in words or "exhausted" in words)


_THROTTLES: Final[Mapping[Verdict, ThrottleKind]] = {
    Verdict.THROTTLED_RATE: ThrottleKind.RATE,
    Verdict.THROTTLED_BURST: ThrottleKind.BURST,
    Verdict.THROTTLED_QUOTA: ThrottleKind.QUOTA,
}

_BY_MESSAGE: Final[Mapping[str, Mapping[str, Verdict]]] = {
    "AccessDenied": {"policy expired": Verdict.TRANSIENT},
    "InvalidParameter": {
        "model not exist": Verdict.ACCOUNT,
        # The service could not fetch a medium in time; seen to work a little later.
        "failed to download": Verdict.TRANSIENT,
    },
    # One code for "too much just now" and for "the free quota is used up and nothing may be charged".
    "Throttling.AllocationQuota": {"free": Verdict.ACCOUNT},
    "insufficient_quota": {"free": Verdict.ACCOUNT},
    # Not documented: whether too many tasks at once are refused with one of these, or queued.
    "Throttling": {"concurren": Verdict.THROTTLED_QUOTA},
    "Throttling.RateQuota": {"concurren": Verdict.THROTTLED_QUOTA},
}

_BY_CODE: Final[Mapping[str, Verdict]] = {
    # ---- the account, its key, its contract: nothing else can succeed either ----------------------------------
    "InvalidApiKey": Verdict.ACCOUNT,
    "invalid_api_key": Verdict.ACCOUNT,
    "NOT AUTHORIZED": Verdict.ACCOUNT,
    # Also the answer to a missing asynchronous header, which kfpipe always sends.
    "AccessDenied": Verdict.ACCOUNT,
    "Model.AccessDenied": Verdict.ACCOUNT,
    "Workspace.AccessDenied": Verdict.ACCOUNT,
    "App.AccessDenied": Verdict.ACCOUNT,
    "AllocationQuota.FreeTierOnly": Verdict.ACCOUNT,
    "Arrearage": Verdict.ACCOUNT,
    # "Does not exist or is not open to you"; the name is in the catalogue, so it is the latter.
    "ModelNotFound": Verdict.ACCOUNT,
    "model_not_found": Verdict.ACCOUNT,
    "Model.NotExist": Verdict.ACCOUNT,
    "WorkSpaceNotFound": Verdict.ACCOUNT,
    # These three come with HTTP 429, and no waiting helps.
    "CommodityNotPurchased": Verdict.ACCOUNT,
    "PrepaidBillOverdue": Verdict.ACCOUNT,
    "PostpaidBillOverdue": Verdict.ACCOUNT,
    # ---- too much at once -------------------------------------------------------------------------------------
    "Throttling": Verdict.THROTTLED_RATE,
    "Throttling.RateQuota": Verdict.THROTTLED_RATE,
    "LimitRequests": Verdict.THROTTLED_RATE,
    "limit_requests": Verdict.THROTTLED_RATE,
    "Throttling.BurstRate": Verdict.THROTTLED_BURST,
    "limit_burst_rate": Verdict.THROTTLED_BURST,
    "Throttling.AllocationQuota": Verdict.THROTTLED_QUOTA,
    "insufficient_quota": Verdict.THROTTLED_QUOTA,
    # ---- may pass ---------------------------------------------------------------------------------------------
    # `InternalError.Algo.InvalidParameter` and its kind are not documented apart from their prefix.
    "InternalError": Verdict.TRANSIENT,
    "internal_error": Verdict.TRANSIENT,
    "SystemError": Verdict.TRANSIENT,
    "ModelServiceFailed": Verdict.TRANSIENT,
    "RequestTimeOut": Verdict.TRANSIENT,
    "ResponseTimeout": Verdict.TRANSIENT,
    "RewriteFailed": Verdict.TRANSIENT,
    "ModelServingError": Verdict.TRANSIENT,
    "ModelUnavailable": Verdict.TRANSIENT,
    "ServiceUnavailable": Verdict.TRANSIENT,
    "GatewayTimeout": Verdict.TRANSIENT,
    # The service could not fetch or open a medium while inspecting it: worth another try or two.
    "InvalidParameter.DataInspection": Verdict.TRANSIENT,
    "InvalidURL.Timeout": Verdict.TRANSIENT,
    # Listed as final together with the other BadRequest codes, yet it is a failed download like the two above.
    "BadRequest.InputDownloadFailed": Verdict.TRANSIENT,
    # ---- will fail again --------------------------------------------------------------------------------------
    "InvalidParameter": Verdict.FINAL,
    "invalid_parameter_error": Verdict.FINAL,
    "InvalidURL": Verdict.FINAL,
    "InvalidFile": Verdict.FINAL,
    "InvalidImage": Verdict.FINAL,
    "InvalidImageResolution": Verdict.FINAL,
    "InvalidImageFormat": Verdict.FINAL,
    "DataInspectionFailed": Verdict.FINAL,
    "data_inspection_failed": Verdict.FINAL,
    "IPInfringementSuspect": Verdict.FINAL,
    "CustomRoleBlocked": Verdict.FINAL,
    "UnsupportedOperation": Verdict.FINAL,
    "BadRequest": Verdict.FINAL,
    "NotFound": Verdict.FINAL,
    # ---- kfpipe's own words, where the service gave no code -----------------------------------------------------
    NOT_CONNECTED: Verdict.TRANSIENT,
    LINK_REFUSED: Verdict.FINAL,
    PAGE_SIZE: Verdict.FINAL,
    CERTIFICATE: Verdict.FINAL,
    NO_LINK: Verdict.FINAL,
    STORAGE: Verdict.TRANSIENT,
    f"{STORAGE}.EntityTooLarge": Verdict.FINAL,
    # What its user cancelled or gave up may be submitted again, as may what never became a task.
    CANCELED: Verdict.TRANSIENT,
    ABANDONED: Verdict.TRANSIENT,
    NEVER_CREATED: Verdict.TRANSIENT,
    # A failed task is not billed, so one that gave no reason is worth another try.
    NO_REASON: Verdict.TRANSIENT,
    "kfpipe.Http401": Verdict.ACCOUNT,
    "kfpipe.Http429": Verdict.THROTTLED_RATE,
}
