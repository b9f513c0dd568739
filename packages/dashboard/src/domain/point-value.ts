import type { Scalar } from "@wattboard/protocol";

/** What a point can hold. */
export type PointValue = Scalar | readonly string[];
