import { useComputedColorScheme } from "@mantine/core";
import type { JSX } from "react";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Speed } from "./task-feed.ts";
import { rate } from "./task-words.ts";

const HEIGHT = 110;
const AXIS_WIDTH = 84;

/** Records a second over time. In a chunk of its own, since only a task's page draws it. */
export function SpeedChart({ speeds }: { speeds: readonly Speed[] }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    const element = box.current;
    if (element === null) {
      return undefined;
    }
    const made = new uPlot(optionsOf(element), [[], []], element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
    // The colours are read when it is made.
  }, [scheme]);
  useEffect(() => {
    plot.current?.setData([speeds.map(({ at }) => at / 1000), speeds.map((one) => one.rate)]);
  }, [speeds, scheme]);
  const last = speeds.at(-1);
  return (
    <div
      ref={box}
      className="speed-chart"
      role="img"
      aria-label={`Records a second over time, now ${rate(last?.rate) ?? "unknown"}`}
    />
  );
}

function optionsOf(element: HTMLElement): uPlot.Options {
  const styles = getComputedStyle(element);
  const [ink, grid, line] = [
    styles.getPropertyValue("--mantine-color-dimmed"),
    styles.getPropertyValue("--mantine-color-default-border"),
    styles.getPropertyValue("--mantine-primary-color-filled"),
  ];
  const axis = {
    stroke: ink,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    font: "12px system-ui",
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { show: false },
    legend: { show: false },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max) * 1.1] } },
    axes: [
      { ...axis, space: 90 },
      {
        ...axis,
        size: AXIS_WIDTH,
        space: 40,
        values: (_plot, values) => values.map((one) => rate(one) ?? ""),
      },
    ],
    series: [{}, { stroke: line, width: 1.5, points: { show: false } }],
  };
}
