"""One file a scenario. A new one needs no other change: `load.scenario` finds it by its name."""
