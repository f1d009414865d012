"""Registries of user-defined extensions, by name, in this process only."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from mlx_muzero.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Extensions of one kind by name, in order of registration.

    Args:
        what: the kind, for messages.
        function: name of the public function that registers one.
        built_in: names that are taken.
    """

    def __init__(self, what: str, function: str, built_in: tuple[str, ...]) -> None:
        self.what, self.function = what, function
        self._built_in = built_in
        self._registered: dict[str, T] = {}

    def register(self, name: str, thing: T) -> None:
        """Register `thing`, replacing one registered under the same name.

        Raises:
            ConfigError: the name is that of a built-in, or invalid.
        """
        if not name.isidentifier():
            raise ConfigError(
                f"{name!r} cannot name a {self.what}: write letters, digits and underscores"
            )
        if name in self._built_in:
            raise ConfigError(f"the {self.what} {name!r} is built in; choose another name")
        self._registered[name] = thing

    def __contains__(self, name: object) -> bool:
        return name in self._registered

    def __iter__(self) -> Iterator[str]:
        return iter(self._registered)

    def __getitem__(self, name: str) -> T:
        return self._registered[name]

    def items(self) -> Iterator[tuple[str, T]]:
        """Registered names and things."""
        yield from self._registered.items()

    @property
    def way_on(self) -> str:
        """What to do about an unregistered name, for messages."""
        return (
            f"a {self.what} of your own has to be registered in the same process first, by "
            f'mlx_muzero.{self.function}("NAME", ...)'
        )
