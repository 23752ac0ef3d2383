"""The two ways the service says no: at the door with an HTTP status, or inside a task with HTTP 200."""


class Denied(Exception):
    """The request is refused at once: nothing was made, nothing will be billed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class TaskRefused(Exception):
    """The request became a task, and the task will fail with this code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
