"""What a dashboard is made of, and the same as Grafana's JSON."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import dashboard as builder
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH = 24
Unit = Literal["s", "ms", "short", "percentunit", "bytes", "ops", "reqps", "none", "dateTimeFromNow"]
PanelBuilder: TypeAlias = Any
"""One of the SDK's, which share their methods but no type."""


@dataclass(frozen=True, slots=True)
class Query:
    """``legend`` is Grafana's, with ``{{label}}``. On ``right`` it has an axis of its own, in ``unit``."""

    expression: str
    legend: str = ""
    right: bool = False
    unit: Unit | None = None
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """``limit`` draws a line where good ends. ``span`` is in 24ths of the width."""

    title: str
    meaning: str
    unit: Unit
    queries: tuple[Query, ...]
    kind: Literal["lines", "stack", "number", "heatmap"] = "lines"
    span: int = 12
    height: int = 8
    limit: float | None = None
    log: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """``name`` is the file's and the address's."""

    name: str
    title: str
    meaning: str
    rows: tuple[Row, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)

    def build(self) -> dashboard.Dashboard:
        """As Grafana's model."""
        made = (
            builder.Dashboard(self.title)
            .uid(f"freshet-{self.name}")
            .description(self.meaning)
            .tags(["freshet"])
            .readonly()
            .timezone("browser")
            .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
            .time("now-30m", "now")
            .refresh("5s")
            .with_variable(builder.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
            .link(
                builder.DashboardLink("Freshet")
                .type(dashboard.DashboardLinkType.DASHBOARDS)
                .tags(["freshet"])
                .as_dropdown(True)
                .keep_time(True)
            )
        )
        numbers = itertools.count(1)
        for row in self.rows:
            made = made.with_row(builder.Row(row.title).id(next(numbers)))
            for panel in row.panels:
                made = made.with_panel(_panel(panel).id(next(numbers)))
        model: dashboard.Dashboard = made.build()
        return model


def _panel(panel: Panel) -> PanelBuilder:
    made = {"number": _number, "heatmap": _heatmap}.get(panel.kind, _lines)(panel)
    made = made.title(panel.title).description(panel.meaning).datasource(SOURCE).unit(panel.unit)
    made = made.span(panel.span).height(panel.height)
    for index, query in enumerate(panel.queries):
        target = (
            prometheus.Dataquery().expr(query.expression).legend_format(query.legend or "__auto").datasource(SOURCE)
        ).ref_id(chr(ord("A") + index))
        if panel.kind == "heatmap":
            target = target.format(PromQueryFormat.HEATMAP)
        made = made.with_target(target.instant() if panel.kind == "number" else target.range())
    if panel.limit is not None:
        steps = [dashboard.Threshold(None, "green"), dashboard.Threshold(panel.limit, "red")]
        made = made.thresholds(builder.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps))
    return made


def _lines(panel: Panel) -> PanelBuilder:
    made = timeseries.Panel().line_width(2).fill_opacity(30 if panel.kind == "stack" else 5)
    made = made.show_points(common.VisibilityMode.NEVER)
    made = made.legend(
        common_builder.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )
    made = made.tooltip(common_builder.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    if panel.kind == "stack":
        made = made.stacking(common_builder.StackingConfig().mode(common.StackingMode.NORMAL))
    if not panel.log:
        made = made.min(0)
    else:
        made = made.scale_distribution(
            common_builder.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)
        )
    if panel.limit is not None:
        made = made.thresholds_style(
            common_builder.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    for index, query in enumerate(panel.queries):
        if properties := _properties(query):
            made = made.override_by_query(chr(ord("A") + index), properties)
    return made


def _properties(query: Query) -> list[dashboard.DynamicConfigValue]:
    made: list[dashboard.DynamicConfigValue] = []
    if query.right:
        made.append(dashboard.DynamicConfigValue("custom.axisPlacement", "right"))
    if query.unit is not None:
        made.append(dashboard.DynamicConfigValue("unit", query.unit))
    if query.dashed:
        made.append(dashboard.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}))
    return made


def _number(panel: Panel) -> PanelBuilder:
    return stat.Panel().color_mode(common.BigValueColorMode.VALUE).graph_mode(common.BigValueGraphMode.NONE)


def _heatmap(panel: Panel) -> PanelBuilder:
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Spectral").steps(64)
    return heatmap.Panel().color(colours).y_axis(heatmap.YAxisConfig().unit(panel.unit)).calculate(False)
