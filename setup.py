"""What pyproject.toml cannot say: a part in C that an installation can do without (docs/decisions/0017)."""

import sysconfig

from setuptools import Extension, setup

# Python without its lock has no stable ABI yet: there fl.watch uses NumPy, as it does without a C compiler.
has_stable_abi = not sysconfig.get_config_var("Py_GIL_DISABLED")

one_pass = Extension(
    "fallline._recorder._one_pass",
    sources=["src/fallline/_recorder/_one_pass.c"],
    # Products are rounded before they are added up on ARM too, as they are on x86.
    extra_compile_args=["-O2", "-ffp-contract=off"],
    py_limited_api=True,
    optional=True,
)

setup(
    ext_modules=[one_pass] if has_stable_abi else [],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if has_stable_abi else {},
)
