"""The device MLX trains on."""

import mlx.core as mx

from mlx_muzero.config.choices import TrainDevice
from mlx_muzero.errors import ConfigError


def use_device(device: TrainDevice) -> None:
    """Make MLX compute on `device` from now on, in the whole process.

    Raises:
        ConfigError: this machine has no such device.
    """
    if device == "default":
        return
    kind = mx.DeviceType.gpu if device == "gpu" else mx.DeviceType.cpu
    if not mx.is_available(mx.Device(kind)):
        raise ConfigError(
            f'train.device = "{device}": MLX has no {device.upper()} here; the only GPUs it '
            "supports are Apple silicon's. Choose --device cpu, or --set train.device=cpu."
        )
    mx.set_default_device(kind)
