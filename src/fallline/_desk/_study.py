"""One problem with one start and one optimizer: what every rate tried on it shares, worked out once.

A client drags the rate over one study; a few of them are kept for when it comes back.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from fallline._descent import changes_text, optimizer_class, optimizer_options
from fallline._desk._client import Client
from fallline._desk._settings import Settings, UploadData, check_work
from fallline._desk._table import page_table
from fallline._errors import FalllineError, OptionError
from fallline._fit import auto_rate, fit_problem, recommended_rate, swept_steps
from fallline._formulas import formula as read_formula
from fallline._problem import FormulaProblem, NeuronProblem, Problem, make_problem
from fallline._records import Run, SweepResult
from fallline._surroundings import plain_surroundings
from fallline._sweep import Beside, beside, sweep_problem
from fallline._view._live import Scene, scene_of
from fallline._wording import count

KEPT = 6
KEPT_BYTES = 128 * 2**20
"""Of the tables and the sweeps of one client."""
MOST_SWEPT = 2_000
"""Steps that are repeated at some fifty rates while somebody waits."""
MOST_SWEPT_NUMBERS = 100_000
"""Steps × parameters of one rate of a sweep, whose paths are kept: at some fifty rates 40 MB."""
MOST_REFINED = 500
"""Of longer runs, and where the loss is no parabola, the measured limit is one of the rates: the runs that place it
more closely come one after the other, and take longer than all others together."""
MOST_EVALUATED = 20_000_000
"""Rows × steps whose losses are worked out to judge one run."""
PATIENCE_SECONDS = 0.1
"""Between two looks whether the client still waits."""
PROBLEM_SETTINGS = ("data", "edits", "formula", "loss", "standardise")
STUDY_SETTINGS = (*PROBLEM_SETTINGS, "start", "optimizer", "optimizer_options", "epochs", "batch_size", "seed")


@dataclass(eq=False)
class Ground:
    """A problem, and which row of the page each of its rows is."""

    key: str
    problem: Problem
    numbers: NDArray[np.int64] | None
    """[N], None for a formula."""
    file: str | None = None
    """The name of the file, where one was dropped onto the page."""

    @property
    def nbytes(self) -> int:
        """Of its table in float64."""
        return 8 * (self.problem.rows or 0) * (len(self.problem.parameter_names) + 1)


@dataclass(eq=False)
class Study:
    """What does not depend on the learning rate."""

    key: str
    """Equal for equal settings, here and in another process."""
    settings: Settings
    """Without the rate and its changes."""
    ground: Ground
    start: dict[str, float]
    """By name, in the training scale."""
    steps: int
    lock: threading.RLock = field(default_factory=threading.RLock)
    swept: SweepResult | str | None = None
    """None until it was asked for; a text says why other rates were not run."""
    own_rate: float | None = None
    frame: Scene | None = None

    @property
    def problem(self) -> Problem:
        """What is descended on."""
        return self.ground.problem

    @property
    def nbytes(self) -> int:
        """What is kept of it: its table and its sweep."""
        swept = self.swept
        each = [getattr(swept, one.name) for one in fields(swept)] if isinstance(swept, SweepResult) else []
        return self.ground.nbytes + sum(one.nbytes for one in each if isinstance(one, np.ndarray))

    def run(self, rate: float, client: Client, *, changes: Sequence[tuple[int, float]] = (), exact: bool) -> Run:
        """The descent at this rate.

        Args:
            changes: (step, rate), where the rate is changed on the way.
            exact: the loop over the rows, whose numbers are those of ``fallline fit``; else, where the loss is a
                parabola, the same steps from that, which differ by the rounding of its sums.
        """
        settings = self.settings
        full = settings.batch_size is None or self.problem.rows is None or settings.batch_size >= self.problem.rows
        parabola = isinstance(self.problem, NeuronProblem) and self.problem.quadratic is not None
        quick = not exact and full and parabola and self._optimizer != "LBFGS"  # which makes much of a rounding
        with plain_surroundings():
            return fit_problem(
                self.problem,
                rate=rate,
                start=self.start,
                optimizer=settings.optimizer,
                optimizer_options=settings.options,
                schedule=changes_text(changes),
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                seed=settings.seed,
                engine="moments" if quick else "loop",
                passing=quick,
                progress=lambda done, total, _loss: client.progress(done / max(total, 1), "steps"),
            )

    def sweep(self, client: Client) -> SweepResult | str:
        """Other rates, run for real; or in one sentence why not."""
        with self._alone(client):
            if self.swept is None:
                self.swept = self._sweep(client)
            return self.swept

    def _sweep(self, client: Client) -> SweepResult | str:
        settings, affordable = self.settings, self._affordable
        if isinstance(affordable, str):
            return f"Other rates were not run: {affordable}."
        if affordable < self.steps:
            return f"Other rates were not run: {self.steps:,} steps at some fifty rates would take long."
        if self.steps * len(self.start) > MOST_SWEPT_NUMBERS:
            return (
                f"Other rates were not run: {self.steps:,} steps of {len(self.start):,} parameters at some fifty "
                "rates are more than is kept here."
            )
        with plain_surroundings():
            return sweep_problem(
                self.problem,
                self.point,
                optimizer=self._optimizer,
                options=self._options,
                steps=self.steps,
                batch_size=self._batch_size,
                seeds=(settings.seed,),
                refine=self.problem.quadratic is not None and self.steps <= MOST_REFINED,
                progress=lambda done, total, _loss: client.progress(min(done / max(total, 1), 1.0), "other rates"),
            )

    @property
    def point(self) -> NDArray[np.float64]:
        """[P] the start."""
        return np.array([self.start[name] for name in self.problem.parameter_names])

    @contextmanager
    def _alone(self, client: Client) -> Iterator[None]:
        """What is worked out once, by one lane at a time; another one waits for it only as long as its client does."""
        while not self.lock.acquire(timeout=PATIENCE_SECONDS):
            client.check()
        try:
            yield
        finally:
            self.lock.release()

    @property
    def _optimizer(self) -> str:
        """Its class in ``torch.optim``."""
        return optimizer_class(self.settings.optimizer)[0].__name__

    @property
    def _options(self) -> dict[str, object]:
        return optimizer_options(self.settings.optimizer, self.settings.options)

    @property
    def _affordable(self) -> int | str:
        """How many steps a sweep can afford; or why other rates cannot be run beside each other."""
        return swept_steps(
            self.problem, self._optimizer, self._options, self.steps, self._batch_size, most_steps=MOST_SWEPT
        )

    @property
    def _batch_size(self) -> int | None:
        size, rows = self.settings.batch_size, self.problem.rows
        return None if size is None or rows is None or size >= rows else size

    def rate(self, client: Client) -> float:
        """What a sweep recommends; where there is none, what ``auto`` finds.

        Raises:
            OptionError: no rate helps from this start.
        """
        with self._alone(client):
            if self.own_rate is None:
                self.own_rate = self._recommended(client)
            return self.own_rate

    def _recommended(self, client: Client) -> float:
        settings, options = self.settings, self._options
        swept = self.sweep(client)
        if isinstance(swept, SweepResult) and swept.recommended is not None:
            return recommended_rate(swept.recommended, self.problem, self._optimizer, options).value
        with plain_surroundings():
            model = self.problem.starting_model(self.start, seed=settings.seed)
            batches = self.problem.batches(settings.batch_size, settings.seed)
            return auto_rate(
                self.problem,
                batches,
                settings.optimizer,
                options,
                model,
                self._auto_epochs,
                progress=lambda done, total, _loss: client.progress(min(done / max(total, 1), 1.0), "first rates"),
            ).value

    @property
    def _auto_epochs(self) -> int:
        """Those over which a rate is looked for: fewer where each step has many parameters."""
        per_epoch = max(self.steps // self.settings.epochs, 1)
        return max(1, min(self.settings.epochs, MOST_SWEPT_NUMBERS // (len(self.start) * per_epoch)))

    def scene(self, client: Client, instead: Run) -> Scene:
        """The windows: those of the run at the recommended rate.

        Of ``instead`` where none can be recommended, or none was asked for and each would be tried alone, which takes
        many times as long as the run itself.
        """
        with self._alone(client):
            if self.frame is None:
                shown = instead
                if self.own_rate is not None or not self.frame_is_of_its_run:
                    with suppress(FalllineError):
                        shown = self.run(self.rate(client), client, exact=False)
                client.check()
                self.frame = scene_of(shown, self.problem.objective)
            return self.frame

    @property
    def frame_is_of_its_run(self) -> bool:
        """Whether the windows may be those of any run, so that another process draws others under the same key."""
        return isinstance(self._affordable, str)

    def zone(self, run: Run) -> Beside | None:
        """Where a run's rate lies by the sweep's criterion; None before there is a sweep, and for changing rates."""
        rates = run.columns.learning_rate
        if not isinstance(self.swept, SweepResult) or not len(run) or np.ptp(rates) > 0:
            return None
        path, objective = run.trajectory, self.problem.objective
        rows = 0 if self.problem.quadratic is not None or self.problem.rows is None else self.problem.rows
        if run.columns.full_loss_measured.all():
            losses = np.append(run.header.start_loss, run.columns.full_loss)
        elif rows * len(path) <= MOST_EVALUATED:
            with np.errstate(all="ignore"):
                losses = objective.loss(path)
        else:
            return None
        return beside(self.swept, objective, float(rates[0]), path, losses)


@dataclass(eq=False)
class Studies:
    """The last few studies of one client. Its lanes ask at the same time."""

    kept: "OrderedDict[str, Study]" = field(default_factory=OrderedDict)
    grounds: "OrderedDict[str, Ground]" = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, client: Client) -> "Studies":
        """Those in the client's memory."""
        found = client.memory.setdefault("neuron:studies", cls())
        if not isinstance(found, cls):
            raise TypeError("the memory of kind neuron holds something else")
        return found

    def named(self, key: object) -> Study | None:
        """The study whose windows a client holds, None where it was dropped."""
        if not isinstance(key, str):
            return None
        with self.lock:
            found = self.kept.get(key)
            if found is not None:
                self.kept.move_to_end(key)
            return found

    def study(self, settings: Settings, client: Client) -> Study:
        """The study of these settings, made where it is new. It is not kept before :meth:`keep` is told to: what is
        passed by in a drag would push out the windows that the client holds.

        Raises:
            DataError: the table cannot be trained on.
            OptionError: settings that do not fit the table or the formula.
        """
        key = digest(settings.key(*STUDY_SETTINGS))
        with self.lock:
            found = self.kept.get(key)
            if found is not None:
                self.kept.move_to_end(key)
        if found is not None:
            return found
        ground = self._ground(settings, client)
        return _study(key, replace(settings, learning_rate=None, rate_changes=()), ground)

    def keep(self, study: Study) -> None:
        """Keep it, and drop what was not asked for in a long time."""
        with self.lock:
            self.kept[study.key] = study
            self.kept.move_to_end(study.key)
            self._forget(self.kept)

    def _ground(self, settings: Settings, client: Client) -> Ground:
        key = digest(settings.key(*PROBLEM_SETTINGS, *(() if isinstance(settings.data, UploadData) else ("seed",))))
        with self.lock:
            found = self.grounds.get(key)
        if found is None:
            found = make_ground(key, settings, client)
        with self.lock:
            self.grounds[key] = found
            self.grounds.move_to_end(key)
            self._forget(self.grounds)
        return found

    @staticmethod
    def _forget(kept: "OrderedDict[str, Study] | OrderedDict[str, Ground]") -> None:
        """The oldest, and more of them where tables or sweeps are large; the last one stays."""
        while len(kept) > KEPT or (len(kept) > 1 and sum(each.nbytes for each in kept.values()) > KEPT_BYTES):
            kept.popitem(last=False)


def digest(text: str) -> str:
    """Short, and equal for equal texts alone."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def make_ground(key: str, settings: Settings, client: Client) -> Ground:
    """The problem of these settings, with the rows of the page.

    Raises:
        DataError: the table cannot be trained on.
        OptionError: the formula cannot be read, or settings that do not fit the table.
    """
    if settings.formula is not None:
        return Ground(key, FormulaProblem(read_formula(settings.formula)), None)
    shown = page_table(settings, client.tables)
    problem = make_problem(shown.table, loss=settings.loss, standardised=settings.standardised, dtype="float32")
    return Ground(key, problem, shown.numbers, shown.file)


def _study(key: str, settings: Settings, ground: Ground) -> Study:
    problem = ground.problem
    names = problem.parameter_names
    steps = check_work(settings, problem.rows, len(names))
    point = problem.starting_point(start_by_name(settings.start, names), seed=settings.seed)
    return Study(key, settings, ground, dict(zip(names, point.tolist(), strict=True)), steps)


def start_by_name(given: tuple[float, ...] | None, names: tuple[str, ...]) -> dict[str, float] | None:
    """The start of the settings, by the parameters' names; None where none is given.

    Raises:
        OptionError: it has another length.
    """
    if given is None:
        return None
    if len(given) != len(names):
        raise OptionError(f"The start needs {count(len(names), 'number')} ({', '.join(names[:10])}), not {len(given)}.")
    return dict(zip(names, given, strict=True))
