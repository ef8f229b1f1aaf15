"""The rules that turn predictions into actions: the policy, its TOML format, its versions."""
