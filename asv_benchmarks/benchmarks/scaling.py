"""How the time of a step grows: with threads, batch size, width, depth and rows."""

import numpy as np

from .cases import ALL_CASES, Case
from .timing import epochs_in_turn, microseconds_a_step


class Threads:
    """From one thread to two."""

    params = [list(ALL_CASES)]
    param_names = ["case"]
    timeout = 300

    def track_times_faster(self, name):
        case = ALL_CASES[name]
        models = {n_jobs: case.model("fastmlp", n_jobs=n_jobs) for n_jobs in (1, 2)}
        seconds = epochs_in_turn(case, models, at_least=0.1)
        return seconds[1] / seconds[2]

    track_times_faster.unit = "times"


class BatchSize:
    """Nanoseconds a row of 64-128-128-10, from one row a step to 4096."""

    params = [[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]]
    param_names = ["batch size"]

    def track_row(self, batch_size):
        case = Case((64, 128, 128, 10), batch_size, max(1000 // batch_size * batch_size, batch_size))
        return microseconds_a_step(case) / batch_size * 1e3

    track_row.unit = "ns"


class Slopes:
    """Slopes of log time over log size: 2 for width where products dominate, 1 for depth and rows."""

    timeout = 300

    def slope(self, cases):
        sizes, times = zip(*((size, microseconds_a_step(case, n_jobs=1)) for size, case in cases), strict=True)
        return np.polyfit(np.log(sizes), np.log(times), 1)[0]

    def track_width(self):
        return self.slope([(w, Case((64, w, w, 10), 128, 640)) for w in (128, 256, 512, 1024)])

    def track_depth(self):
        return self.slope([(d, Case((128, *[128] * d, 10), 128, 1280)) for d in (2, 4, 8, 16)])

    def track_rows(self):
        return self.slope([(b, Case((64, 128, 128, 10), b, 4 * b)) for b in (128, 512, 2048, 8192)])
