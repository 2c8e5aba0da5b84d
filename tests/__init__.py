"""A package of its own: gostcrypto, which the benchmark compares with, installs a `tests` beside ours."""
