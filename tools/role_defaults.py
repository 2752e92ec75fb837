"""Fail where a role's defaults and its argument specs disagree, in names or in values."""

from __future__ import annotations

import sys

from tools.repository import relative
from tools.role_specs import differences, load_role, public_options, role_folders


def main() -> int:
    """Print every difference with its role; exit code 1 when there is one."""
    public = public_options()
    found = [
        f"{relative(folder)}: {difference}"
        for folder in role_folders()
        for difference in differences(load_role(folder), public)
    ]
    for line in found:
        print(line)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
