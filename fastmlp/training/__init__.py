"""How one fit runs: epochs, optimizers, step-size schedules, stopping."""
