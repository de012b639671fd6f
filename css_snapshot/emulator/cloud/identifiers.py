"""Ids and secrets that look like the vendor's and come out the same for one seed."""

import random
import string


class Identifiers:
    """Makes ids from a seeded generator, so that a run can be repeated.

    Args:
        seed: Where to start; equal seeds give equal ids.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - ids of fakes, not secrets

    def uuid(self) -> str:
        """Return a new id in the shape of a UUID, as clusters and snapshots have."""
        text = self.hexadecimal(32)
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def hexadecimal(self, length: int) -> str:
        """Return a new id of lower-case hexadecimal digits.

        Args:
            length: Number of characters.
        """
        return f"{self._random.getrandbits(4 * length):0{length}x}"

    def access_key(self) -> str:
        """Return a new access key: 20 upper-case letters and digits."""
        alphabet = string.ascii_uppercase + string.digits
        return "EMULATOR" + "".join(self._random.choices(alphabet, k=12))

    def secret(self, length: int = 40) -> str:
        """Return a new secret of letters and digits.

        Args:
            length: Number of characters.
        """
        alphabet = string.ascii_letters + string.digits
        return "".join(self._random.choices(alphabet, k=length))
