"""All accounts of the service. A key is one account's; tasks, limits and bills are never shared."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from kfpipe.emulator import billing
from kfpipe.emulator.account import Account
from kfpipe.emulator.billing import Bill
from kfpipe.emulator.settings import MAIN
from kfpipe.emulator.tasks import Task


class Accounts(Mapping[str, Account]):
    """The accounts by name, the main one first: those that `names` mentions, and those of the `earlier` tasks."""

    def __init__(
        self, names: Collection[str], opened: Callable[[str, Iterable[Task]], Account], earlier: Collection[Task] = ()
    ) -> None:
        known = dict.fromkeys((MAIN, *names, *(task.account for task in earlier)))
        self._accounts = {name: opened(name, [task for task in earlier if task.account == name]) for name in known}

    def __getitem__(self, name: str) -> Account:
        return self._accounts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._accounts)

    def __len__(self) -> int:
        return len(self._accounts)

    def task(self, task_id: str) -> Task | None:
        """The task, whoever's it is; None for an id that was never given out or has been forgotten."""
        found = (account.task(task_id) for account in self.values())
        return next((task for task in found if task is not None), None)

    def linked(self, task_id: str) -> Task | None:
        """The task as long as a link to its clip may work, whoever's it is."""
        found = (account.linked(task_id) for account in self.values())
        return next((task for task in found if task is not None), None)

    def bill(self) -> Bill:
        """What all of them pay, oldest first."""
        return billing.joined(account.bill() for account in self.values())
