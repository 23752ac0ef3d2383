"""The two stills, uploaded once: what all contestants but kfpipe, which does it by itself, are given."""

from __future__ import annotations

from pathlib import Path

import httpx

from benchmarks.side_by_side import course


def uploaded(base_url: str) -> list[dict[str, str]]:
    """The media of every request."""
    with httpx.Client(headers={"Authorization": f"Bearer {course.API_KEY}"}) as client:
        query = {"action": "getPolicy", "model": course.MODEL}
        policy = client.get(f"{base_url}/uploads", params=query).raise_for_status().json()["data"]
        return [{"type": role, "url": _stored(client, policy, Path(name))} for role, name, _ in course.STILLS]


def _stored(client: httpx.Client, policy: dict[str, str], still: Path) -> str:
    key = f"{policy['upload_dir']}/{still.name}"
    form = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "x-oss-object-acl": policy["x_oss_object_acl"],
        "x-oss-forbid-overwrite": policy["x_oss_forbid_overwrite"],
        "key": key,
        "success_action_status": "200",
    }
    file = {"file": (still.name, still.read_bytes())}
    client.post(policy["upload_host"], data=form, files=file).raise_for_status()
    return f"oss://{key}"
