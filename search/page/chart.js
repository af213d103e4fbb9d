// P99 of batch latency against records per batch, moving. uPlot is loaded as a classic script before this module.

const POINTS = 180;
const SECONDS = 180;
const HEIGHT = 224;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
  constructor(place) {
    this.place = place;
    this.data = [[], [], []];
    this.plot = null;
    new ResizeObserver(() => this.plot?.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  add(figures) {
    const values = [figures.at / 1000, figures.batch.p99_ms, figures.batch.size];
    values.forEach((value, row) => {
      this.data[row].push(value);
      if (this.data[row].length > POINTS) this.data[row].shift();
    });
    this.plot.setData(this.data);
  }

  draw() {
    this.plot?.destroy();
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const line = (scale, name) => ({ scale, stroke: colour(name), width: 2, points: { show: false }, spanGaps: false });
    const fromZero = { range: (_plot, _least, most) => [0, Math.max(1, (most || 0) * 1.1)] };
    const options = {
      width: this.place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { range: (_plot, _first, last) => [(last || Date.now() / 1000) - SECONDS, last || Date.now() / 1000] }, latency: fromZero, size: fromZero },
      axes: [axis, { ...axis, scale: "latency" }, { ...axis, scale: "size", side: 1, grid: { show: false } }],
      series: [{}, line("latency", "--latency"), line("size", "--size")],
    };
    this.plot = new window.uPlot(options, this.data, this.place);
  }
}
