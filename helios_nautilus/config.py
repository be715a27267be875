"""A run in one TOML file: composes the owners' settings, and says where a file is wrong.

Every section is the frozen struct of the part that owns it. Unknown fields are refused with their path. Secrets never
stand in a file.
"""

import hashlib
import re
import tomllib
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, field

from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.domain.drift import DriftRules
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.labels import LabelConfig
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.portfolio.flatten import FlattenRules
from helios_nautilus.domain.portfolio.guardian import GuardianRules
from helios_nautilus.domain.portfolio.kill_switch import KillSwitchRules
from helios_nautilus.domain.portfolio.targets import RebalanceSettings
from helios_nautilus.domain.risk.sizing import SizingRules
from helios_nautilus.domain.risk.volatility import VolatilityRules
from helios_nautilus.domain.timeframe import NS_PER_SEC, Timeframes, parse_timeframe
from helios_nautilus.domain.watchdog import WatchdogRules
from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.news import NewsSettings
from helios_nautilus.llm.settings import LlmSettings
from helios_nautilus.models.dataset import SplitConfig
from helios_nautilus.models.evaluation import EvaluationConfig
from helios_nautilus.models.network import PRESETS, Device
from helios_nautilus.models.pointer import CHAMPION
from helios_nautilus.models.precision import Precision
from helios_nautilus.models.train import TrainConfig
from helios_nautilus.watch.settings import AlertSettings, LogSettings, MetricsSettings


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections that belong to no single part."""


class DataSection(Section, frozen=True, kw_only=True):
    """Which market data a run reads, and which of them the features use."""

    catalog: Path
    """Folder of the Parquet catalogue."""
    instruments: tuple[str, ...]
    """Traded instruments of one venue, in the order of the model's axis."""
    reference: str | None = None
    """The BTC pair among them whose returns the others are correlated with; none leaves that feature out."""
    base: str = "1m"
    """Length of the recorded bars."""
    trades: bool = False
    """Whether recorded trades are used."""
    book: bool = False
    """Whether recorded ten-level books are used."""
    calendar: bool = False
    """Whether the time of day and of the week are features."""
    timeframes: Timeframes = Timeframes()

    def __post_init__(self) -> None:
        _ = self.spec

    @property
    def spec(self) -> FeatureSpec:
        """The features of these data; `ConfigError` if there can be none."""
        return FeatureSpec(
            base=self.base,
            timeframes=self.timeframes,
            trades=self.trades,
            book=self.book,
            calendar=self.calendar,
            reference=self.reference,
            universe=self.instruments,
        )


class AccountSection(Section, frozen=True, kw_only=True):
    """The account. A margin account may short; a cash account cannot, and pays no leverage."""

    kind: Literal["cash", "margin"] = "cash"
    currency: str = "ZAR"
    """Currency of equity; the instruments must be quoted in it."""
    balance: float = 100_000.0
    """Starting balance of a backtest."""

    def __post_init__(self) -> None:
        if not 1.0 <= self.balance <= 1e12:
            raise ConfigError("account: balance must lie between 1 and 1e12")


class Window(Section, frozen=True, kw_only=True):
    """A span of time ``(start, end]``, dates or times in UTC."""

    start: str
    end: str

    def __post_init__(self) -> None:
        if self.start_ns >= self.end_ns:
            raise ConfigError(f"window: start {self.start} is not before end {self.end}")

    @property
    def start_ns(self) -> int:
        """Start in nanoseconds UTC."""
        return parse_time(self.start)

    @property
    def end_ns(self) -> int:
        """End in nanoseconds UTC."""
        return parse_time(self.end)


class ModelSection(Section, frozen=True, kw_only=True):
    """Where the model lives, its size, and how its predictions come into a run."""

    folder: Path
    """Where training puts the weights and the card, and runs find them."""
    registry: Path | None = None
    """A folder of models: runs then follow its pointer for these features and this plan, whatever ``folder`` holds."""
    pointer: str = CHAMPION
    """Which of the registry's pointers."""
    follow: Literal["current", "history"] = "current"
    """``current``: the model in charge now; ``history``: at each decision the one that was in charge then."""
    preset: str = "helios-nano"
    """Size of the network: helios-nano, helios-small or helios-40m."""
    predictions: Literal["model", "catalogue"] = "model"
    """``model`` steps the network as the bars come; ``catalogue`` replays what `helios predict` has written."""
    device: Device = "auto"
    """Where the network is; ``auto`` takes CUDA where there is one."""
    precision: Precision = "fp32"
    """How a CPU keeps the weights in service. ``int8`` makes a wide network faster and a little less exact."""
    latency_ms: float = 0.2
    """Simulated time of a prediction."""
    deadline_ms: float = 1000.0
    """A live prediction that takes longer is not used."""

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ConfigError(f"model: preset {self.preset} is none of {', '.join(PRESETS)}")
        if not 0 < self.latency_ms < self.deadline_ms:
            raise ConfigError("model: latency_ms must be above 0 and below deadline_ms")
        if self.follow == "history" and self.registry is None:
            raise ConfigError("model: follow = history needs a registry; name the one that 'helios retrain' fills")
        if self.precision == "int8" and self.device == "cuda":
            raise ConfigError("model: precision int8 is the CPU's; write device cpu or auto, or precision fp32")


class TrainingSection(Section, frozen=True, kw_only=True):
    """How the model is trained: its window, which must end before the run's, labels, splits and optimiser."""

    window: Window
    label: LabelConfig = LabelConfig()
    split: SplitConfig = SplitConfig()
    optimiser: TrainConfig = TrainConfig()


class AetherSection(Section, frozen=True, kw_only=True):
    """Tier 3."""

    volatility: VolatilityRules = field(default_factory=VolatilityRules)
    sizing: SizingRules = SizingRules()


class GuardianSection(Section, frozen=True, kw_only=True):
    """Tier 5."""

    rules: GuardianRules = GuardianRules()
    kill_switch: KillSwitchRules = KillSwitchRules()
    flatten: FlattenRules = FlattenRules()


class ExecutionSection(Section, frozen=True, kw_only=True):
    """How orders travel. Between two bars a backtest trades at the next bar's open, half a spread worse."""

    latency_ms: float = 250.0
    """Simulated time from sending an order to its arrival."""
    slippage_bound: float = 0.002
    """A taker's entry goes at most this fraction beyond the last known price."""
    proposal_ttl_secs: float = 10.0
    """A proposal that the tiers have not answered by then is refused."""

    def __post_init__(self) -> None:
        if not self.latency_ms >= 2:
            raise ConfigError("execution: latency_ms must be at least 2; an order cannot trade at the bar it came from")
        if self.slippage_bound <= 0 or self.proposal_ttl_secs <= 0:
            raise ConfigError("execution: slippage_bound and proposal_ttl_secs must be above 0")


class VenueSection(Section, frozen=True, kw_only=True):
    """Where a paper or live node finds VALR, or its simulator. Keys come from VALR_API_KEY and VALR_API_SECRET."""

    http_url: str = "https://api.valr.com"
    ws_url: str = "wss://api.valr.com"
    sub_account: str | None = None
    """The account that a primary key trades: digits; without it the key's own."""
    cancel_on_disconnect: bool = True
    """Whether VALR cancels all open orders of the account, whoever's they are, when a live node's line to it is lost.
    Stops and targets are not among them: the node watches over those itself."""
    speed: float = 1.0
    """Venue seconds per second, as given to `helios sim`; other than 1 for a simulator only."""

    def __post_init__(self) -> None:
        if not 0.0 < self.speed <= 1000.0:
            raise ConfigError("venue: speed must be above 0 and at most 1000")


class NodeSection(Section, frozen=True, kw_only=True):
    """How a paper or live node starts and stops."""

    history_days: int = 60
    """How far back it looks for features, volatility and regimes; what the catalogue lacks is fetched."""
    ready_secs: float = 120.0
    """How long VALR may take to connect, and the account to be reconciled, before the start is given up."""
    stop_secs: float = 30.0
    """How long a stop waits for orders to be cancelled and positions to be closed."""
    flatten_on_stop: bool = True
    """Whether a stop closes positions. Stops and targets work only as long as the node runs."""

    def __post_init__(self) -> None:
        if self.history_days < 1 or self.ready_secs <= 0 or self.stop_secs <= 0:
            raise ConfigError("node: history_days, ready_secs and stop_secs must be above 0")


class JournalSection(Section, frozen=True, kw_only=True):
    """Whether a backtest is kept in the journal, where ``helios journal`` and ``helios why`` find it."""

    enabled: bool = True


class HeliosConfig(Section, frozen=True, kw_only=True):
    """One run, whole."""

    name: str
    """Names the run and its report."""
    data: DataSection
    account: AccountSection = AccountSection()
    backtest: Window
    plan: ExitPlan = ExitPlan()
    training: TrainingSection
    model: ModelSection
    evaluation: EvaluationConfig = EvaluationConfig()
    aether: AetherSection = field(default_factory=AetherSection)
    gate: GateRules = GateRules()
    llm: LlmSettings = LlmSettings()
    news: NewsSettings = NewsSettings()
    guardian: GuardianSection = field(default_factory=GuardianSection)
    rebalance: RebalanceSettings = RebalanceSettings()
    drift: DriftRules = DriftRules()
    execution: ExecutionSection = ExecutionSection()
    journal: JournalSection = JournalSection()
    venue: VenueSection = VenueSection()
    node: NodeSection = NodeSection()
    watchdog: WatchdogRules = WatchdogRules()
    metrics: MetricsSettings = MetricsSettings()
    alerts: AlertSettings = AlertSettings()
    logs: LogSettings = LogSettings()
    reports: Path = Path("reports")
    """Folder of the reports."""

    def __post_init__(self) -> None:
        if re.fullmatch(r"\w[\w.-]*", self.name, re.ASCII) is None:
            raise ConfigError("name must be made of letters, digits, '_', '-' and '.': it names a folder")
        slowest = self.data.timeframes.low
        if self.backtest.start_ns % parse_timeframe(slowest):
            raise ConfigError(f"backtest.start {self.backtest.start} is not the close of a {slowest} bar")
        if self.training.window.end_ns > self.backtest.start_ns:
            raise ConfigError("training.window ends after backtest.start: the model would have seen the future")
        if self.aether.sizing.margin != (self.account.kind == "margin"):
            raise ConfigError("aether.sizing.margin must be true for a margin account and false for a cash account")

    @property
    def spec(self) -> FeatureSpec:
        """The live feature specification."""
        return self.data.spec

    @property
    def allow_shorts(self) -> bool:
        """Whether positions may be short."""
        return self.account.kind == "margin"


class LoadedConfig(Struct, frozen=True, kw_only=True):
    """A configuration with the text it came from."""

    config: HeliosConfig
    text: str

    @property
    def hash(self) -> str:
        """16 hexadecimal digits of everything the configuration says, defaults included, layout and comments not."""
        return hashlib.sha256(msgspec.json.encode(self.config, order="sorted", enc_hook=str)).hexdigest()[:16]


def load_config(path: Path) -> LoadedConfig:
    """Read a run's TOML file. Raises `ConfigError` naming the file, the field's path and what is wrong with it.

    Relative paths in the file count from the working directory.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: it is not written in UTF-8") from error
    return read_config(text, str(path))


def read_config(text: str, name: str) -> LoadedConfig:
    """Read a run's TOML text; `ConfigError` says where in the text of this name something is wrong."""
    try:
        fields = tomllib.loads(text)
        _check_finite(fields, "$")
        return LoadedConfig(config=msgspec.convert(fields, HeliosConfig, dec_hook=_decode), text=text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {error}") from error
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{name}: {error}") from error


def _check_finite(value: object, path: str) -> None:
    """TOML can say nan and inf; no field of ours can mean them."""
    if isinstance(value, float) and not isfinite(value):
        raise ConfigError(f"Expected a finite number, got {value} - at `{path}`")
    if isinstance(value, dict):
        for name, each in value.items():
            _check_finite(each, f"{path}.{name}")
    if isinstance(value, list):
        for index, each in enumerate(value):
            _check_finite(each, f"{path}[{index}]")


def _decode(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"cannot decode {kind.__name__}")


def parse_time(text: str) -> int:
    """A date or time in UTC, in nanoseconds; `ConfigError` if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"'{text}' is no date; write it like 2026-01-31 or 2026-01-31T12:00") from error
    if moment.tzinfo is not None and moment.utcoffset():
        raise ConfigError(f"'{text}' is not in UTC")
    return int(moment.replace(tzinfo=UTC).timestamp()) * NS_PER_SEC
