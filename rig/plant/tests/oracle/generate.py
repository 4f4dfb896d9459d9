"""Make the oracle's traces anew: PyBaMM's SPMe under random currents. Development only.

    python -m venv .oracle && .oracle/bin/pip install "pybamm==26.10.1.1"
    .oracle/bin/python rig/plant/tests/oracle/generate.py rig/plant/tests/oracle

No test needs it, and it needs nothing of the rig. For each parameter set of PyBaMM it writes, in
the columns of the measured files (current positive = DISCHARGE):

    <set>/ocv_discharge_25degC.csv, ocv_charge_25degC.csv   C/50 sweeps, from full, from empty
    <set>/dynamic_25degC.csv.gz    from full, a drive up to 1.6C, seed 1: what is fitted
    <set>/holdout_25degC.csv.gz    the same kind of drive, seed 2: what the test compares with
"""

import gzip
import random
import sys
from pathlib import Path

import numpy as np
import pybamm

ROW_S = 2.0
SHORTLY_S = 1e-3  # a row's voltage is the one just after its current has begun
# How much of the capacity a drive takes out: Prada2013's particles are soon empty at the surface.
SETS = {"Chen2020": 0.92, "Prada2013": 0.78}


def sweep(name, start, current_a):
    """Charge moved in Ah and voltage of a slow sweep from a state to a voltage limit."""
    values = pybamm.ParameterValues(name)
    values["Current function [A]"] = current_a
    simulation = pybamm.Simulation(pybamm.lithium_ion.SPMe(), parameter_values=values)
    solution = simulation.solve([0, 3600 * 65], initial_soc=start)
    times = np.linspace(0, solution.t[-1], 401)
    return times * abs(current_a) / 3600, solution["Terminal voltage [V]"](times)


def profile(capacity_ah, usable, seed):
    """Currents (discharge positive) and for how many rows each."""
    chance = random.Random(seed)
    held, out_ah = [(0.0, 30)], 0.0
    while out_ah < usable * capacity_ah:
        # As a drive is: mostly small and short, now and then a peak, now and then a halt.
        rate = 1.6 * chance.uniform(-0.75, 1.0) * chance.random()
        rows = chance.randint(1, 10)
        if chance.random() < 0.02:
            rate, rows = 0.0, 90
        if out_ah < 0.03 * capacity_ah:
            rate = abs(rate)
        held.append((rate * capacity_ah, rows))
        out_ah += rate * capacity_ah * rows * ROW_S / 3600
    return [*held, (0.0, 150)]


def drive(name, capacity_ah, usable, seed):
    """Current and voltage of a random drive from full, row by row."""
    values = pybamm.ParameterValues(name)
    values["Current function [A]"] = "[input]"
    values["Lower voltage cut-off [V]"] = 1.0
    values["Upper voltage cut-off [V]"] = 4.8
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.SPMe(),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-8),
    )
    simulation.build(initial_soc=1.0, inputs={"Current function [A]": 0.0})
    currents, volts, state = [], [], None
    for current_a, rows in profile(capacity_ah, usable, seed):
        solution = simulation.step(
            dt=rows * ROW_S,
            inputs={"Current function [A]": current_a},
            starting_solution=state,
            save=False,
        )
        times = solution.t[0] + np.maximum(np.arange(rows) * ROW_S, SHORTLY_S)
        volts += list(np.atleast_1d(solution["Terminal voltage [V]"](times)))
        currents += [current_a] * rows
        state = solution.last_state
    return currents, volts


def main(folder):
    """Write all traces into this folder."""
    for name, usable in SETS.items():
        to = folder / name.lower()
        to.mkdir(exist_ok=True)
        nominal_ah = pybamm.ParameterValues(name)["Nominal cell capacity [A.h]"]
        capacity_ah = 0.0
        for kind, start, sign in (("charge", 0.0, -1), ("discharge", 1.0, 1)):
            charge, voltage = sweep(name, start, sign * nominal_ah / 50)
            rows = [f"{a:.5f},{b:.5f}" for a, b in zip(charge, voltage, strict=True)]
            path = to / f"ocv_{kind}_25degC.csv"
            path.write_text("\n".join(["charge_ah,voltage_v", *rows, ""]))
            capacity_ah = float(charge[-1])
        for kind, seed in (("dynamic", 1), ("holdout", 2)):
            currents, volts = drive(name, capacity_ah, usable, seed)
            rows = [
                f"{k * ROW_S:.1f},{i:.4f},{v:.4f}"
                for k, (i, v) in enumerate(zip(currents, volts, strict=True))
            ]
            text = "\n".join(["time_s,current_a,voltage_v", *rows, ""])
            path = to / f"{kind}_25degC.csv.gz"
            path.write_bytes(gzip.compress(text.encode(), mtime=0))
            print(path, len(rows), "rows", capacity_ah, "Ah", min(volts), max(volts), "V")  # noqa: T201


if __name__ == "__main__":
    print("PyBaMM", pybamm.__version__)  # noqa: T201
    main(Path(sys.argv[1]))
