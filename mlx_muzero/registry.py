"""Registries of user-defined extensions, by name: of this process, and of installed packages."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from mlx_muzero.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Registry(Generic[T]):
    """Extensions of one kind by name: registered in this process first, then those of packages.

    A package offers extensions as entry points of the registry's group. They are listed when a name
    that is not built in is looked up, and each is loaded when it is first used.

    Args:
        what: the kind, for messages; its plural names the group, as in ``mlx_muzero.rewards``.
        function: name of the public function that registers one.
        built_in: names that are taken.
    """

    def __init__(self, what: str, function: str, built_in: tuple[str, ...]) -> None:
        self.what, self.function = what, function
        self.group = f"mlx_muzero.{what}s"
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
        return name in self._registered or name in self._offered

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._registered, *self._offered))

    def __getitem__(self, name: str) -> T:
        if name not in self._registered:
            self.register(name, self._load(self._offered[name]))
        return self._registered[name]

    def items(self) -> Iterator[tuple[str, T]]:
        """All names and extensions.

        Raises:
            ConfigError: a package's extension cannot be loaded, or has the name of a built-in.
        """
        for name in self:
            yield name, self[name]

    @property
    def way_on(self) -> str:
        """What to do about an unregistered name, for messages."""
        return (
            f"a {self.what} of your own has to be registered first, in the same process, by "
            f'mlx_muzero.{self.function}("NAME", ...), or be an entry point NAME of the group '
            f"{self.group} in a package that is installed"
        )

    @cached_property
    def _offered(self) -> "dict[str, EntryPoint]":
        from importlib.metadata import entry_points  # takes longer than most commands have

        return {point.name: point for point in entry_points(group=self.group)}

    def _load(self, point: "EntryPoint") -> T:
        try:
            loaded: T = point.load()
        except Exception as error:
            package = "" if point.dist is None else f" of {point.dist.name} {point.dist.version}"
            raise ConfigError(
                f"the {self.what} {point.name!r}{package} cannot be loaded from {point.value} "
                f"({type(error).__name__}: {error}): mend or uninstall that package"
            ) from error
        return loaded
