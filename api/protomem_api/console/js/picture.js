// The map as a picture, drawn by Chart.js with its plugins for zoom and for names that do not overlap.

const SMALL = 2.5;
const LARGE = 6;
const WHEEL = 0.12;
const MARGIN = 0.08;

let loading = null;

// 240 kB that only the map needs. Each file puts one name into the global scope; the plugins read Chart from there.
function library() {
  loading ??= import("../vendor/chart.umd.min.js")
    .then(() => Promise.all([import("../vendor/chartjs-plugin-zoom.min.js"), import("../vendor/chartjs-plugin-datalabels.min.js")]))
    .then(() => globalThis.Chart);
  return loading;
}

export async function picture(frame, found, onchoose) {
  const Chart = await library();
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  frame.replaceChildren(canvas);
  let chosen = null;
  const state = { colours: colours(frame) };
  const chart = new Chart(canvas, {
    type: "scatter",
    data: { datasets: [classPoints(found, state, () => chosen), examplePoints(found, state, () => chosen)] },
    options: options(found, state, (label) => onchoose(label)),
    plugins: [globalThis.ChartDataLabels],
  });
  const recolour = () => {
    state.colours = colours(frame);
    Chart.defaults.color = state.colours.muted;
    chart.update("none");
  };
  document.addEventListener("themechange", recolour);
  return {
    choose: (label) => {
      chosen = label;
      chart.update("none");
    },
    pan: (x, y) => chart.pan({ x, y }, undefined, "none"),
    zoom: (factor) => chart.zoom(factor, "none"),
    reset: () => chart.resetZoom("none"),
    destroy: () => {
      document.removeEventListener("themechange", recolour);
      chart.destroy();
    },
  };
}

function classPoints(found, state, chosen) {
  const points = found.classes.map((one) => ({ x: one.x, y: one.y, label: one.label, words: `${one.label} · mean of ${one.count}` }));
  const isChosen = (context) => points[context.dataIndex]?.label === chosen();
  return {
    data: points,
    pointRadius: (context) => (isChosen(context) ? LARGE + 3 : LARGE),
    pointHoverRadius: LARGE + 2,
    pointBackgroundColor: (context) => (isChosen(context) ? state.colours.mark : state.colours.accent),
    pointBorderColor: () => state.colours.surface,
    pointHoverBackgroundColor: () => state.colours.strong,
    pointBorderWidth: 1.5,
    datalabels: {
      display: (context) => (isChosen(context) ? true : "auto"),
      formatter: (point) => point.label,
      anchor: "center",
      align: (context) => (hasOtherAbove(found.classes, context.dataIndex) ? "bottom" : "top"),
      offset: 6,
      color: () => state.colours.text,
      textStrokeColor: () => state.colours.surface,
      textStrokeWidth: 3,
      font: { family: "Inter, system-ui, sans-serif", size: 12, weight: 560 },
    },
  };
}

// A name goes to the side where the nearest other class mean is not.
function hasOtherAbove(classes, index) {
  const { x, y } = classes[index];
  let nearest = Infinity;
  let above = false;
  for (const [other, one] of classes.entries()) {
    const distance = (one.x - x) ** 2 + (one.y - y) ** 2;
    if (other !== index && distance < nearest) [nearest, above] = [distance, one.y > y];
  }
  return above;
}

function examplePoints(found, state, chosen) {
  const points = found.examples.map((one) => ({ x: one.x, y: one.y, labels: one.labels, words: `${one.id} · ${one.labels.join(", ")}` }));
  const isChosen = (context) => points[context.dataIndex]?.labels.includes(chosen());
  return {
    data: points,
    pointRadius: (context) => (isChosen(context) ? SMALL + 1.5 : SMALL),
    pointHoverRadius: SMALL + 3,
    pointBackgroundColor: (context) => (isChosen(context) ? state.colours.mark : state.colours.faint),
    pointHoverBackgroundColor: () => state.colours.strong,
    pointBorderWidth: 0,
    datalabels: { display: false },
  };
}

// One unit is as long to the right as it is upwards, or distances would lie; both axes show all there is, and some room.
function bounds(all, width, height) {
  const [x, y] = [all.map((one) => one.x), all.map((one) => one.y)].map((values) => [Math.min(...values), Math.max(...values)]);
  const ratio = width / height;
  const half = (Math.max((y[1] - y[0]) / 2, (x[1] - x[0]) / 2 / ratio) || 1) * (1 + MARGIN);
  const about = ([least, most], room) => ({ min: (least + most) / 2 - room, max: (least + most) / 2 + room });
  return { x: about(x, half * ratio), y: about(y, half) };
}

function options(found, state, onchoose) {
  const all = [...found.classes, ...found.examples];
  const fit = ({ width, height }) => bounds(all, width, height);
  const axis = () => ({ display: false });
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "nearest", intersect: true },
    scales: { x: axis(), y: axis() },
    onResize: (chart, size) => {
      const { x, y } = fit(size);
      Object.assign(chart.options.scales.x, x);
      Object.assign(chart.options.scales.y, y);
    },
    onHover: (event, hit) => (event.native.target.style.cursor = hit.some((one) => one.datasetIndex === 0) ? "pointer" : "crosshair"),
    onClick: (_event, hit) => {
      const first = hit.find((one) => one.datasetIndex === 0);
      if (first) onchoose(found.classes[first.index].label);
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        displayColors: false,
        backgroundColor: () => state.colours.text,
        bodyColor: () => state.colours.surface,
        bodyFont: { family: "Inter, system-ui, sans-serif", size: 13 },
        padding: 9,
        callbacks: { label: (context) => context.raw.words },
      },
      zoom: {
        limits: { x: { min: "original", max: "original" }, y: { min: "original", max: "original" } },
        zoom: {
          mode: "xy",
          wheel: { enabled: true, speed: WHEEL, modifierKey: "ctrl" },
          drag: { enabled: true, threshold: 8, backgroundColor: "rgb(95 160 155 / 25%)" },
        },
      },
    },
  };
}

// Colours as the page has them now: a canvas knows no custom properties, and `light-dark()` is resolved by an element.
function colours(frame) {
  const probe = document.createElement("span");
  probe.hidden = true;
  frame.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    accent: read("accent"), strong: read("accent-strong"), warn: read("warn"), surface: read("surface"), text: read("text"),
    muted: read("muted"), mark: read("mark"), faint: read("point"),
  };
  probe.remove();
  return found;
}
