import type { GridSpec, Place } from "./place.ts";

const nordic: GridSpec = { nominalV: 230, nominalHz: 50, area: "Nordic", deviationHz: 0.04 };
const continental: GridSpec = { nominalV: 230, nominalHz: 50, area: "Continental Europe", deviationHz: 0.02 };
const india: GridSpec = { nominalV: 230, nominalHz: 50, area: "India", deviationHz: 0.045 };
const kenya: GridSpec = { nominalV: 240, nominalHz: 50, area: "Eastern Africa", deviationHz: 0.08 };
const brazil127: GridSpec = { nominalV: 127, nominalHz: 60, area: "Brazil", deviationHz: 0.03 };
const brazil220: GridSpec = { ...brazil127, nominalV: 220 };
const australiaEast: GridSpec = { nominalV: 230, nominalHz: 50, area: "Australia, East", deviationHz: 0.03 };
const australiaWest: GridSpec = { ...australiaEast, area: "Australia, South West" };
const americaEast: GridSpec = { nominalV: 240, nominalHz: 60, area: "America, Eastern", deviationHz: 0.017 };
const americaWest: GridSpec = { ...americaEast, area: "America, Western" };
const texas: GridSpec = { ...americaEast, area: "America, Texas" };
const japan50: GridSpec = { nominalV: 200, nominalHz: 50, area: "Japan, East", deviationHz: 0.03 };
const japan60: GridSpec = { ...japan50, nominalHz: 60, area: "Japan, West" };
const southAfrica: GridSpec = { nominalV: 230, nominalHz: 50, area: "Southern Africa", deviationHz: 0.05 };

function place(
  name: string,
  country: string,
  [latitudeDeg, longitudeDeg]: readonly [number, number],
  timeZone: string,
  grid: GridSpec,
  [januaryC, julyC]: readonly [number, number],
  [januaryCover, julyCover]: readonly [number, number],
): Place {
  const climate = { januaryC, julyC, januaryCover, julyCover };
  return { name, country, latitudeDeg, longitudeDeg, timeZone, grid, climate };
}

/** Where simulated devices stand: position, grid, and rounded means of temperature (°C) and cloud cover in January and July. */
export const places: readonly [Place, ...Place[]] = [
  place("Uppsala", "SE", [59.858, 17.644], "Europe/Stockholm", nordic, [-3, 17.5], [0.75, 0.5]),
  place("Jaipur", "IN", [26.912, 75.787], "Asia/Kolkata", india, [16, 29], [0.2, 0.65]),
  place("Malmö", "SE", [55.605, 13.004], "Europe/Stockholm", nordic, [1, 18], [0.75, 0.5]),
  place("Bengaluru", "IN", [12.972, 77.594], "Asia/Kolkata", india, [21, 24], [0.3, 0.75]),
  place("Göteborg", "SE", [57.709, 11.975], "Europe/Stockholm", nordic, [0, 17.5], [0.75, 0.55]),
  place("Pune", "IN", [18.52, 73.857], "Asia/Kolkata", india, [21, 25], [0.15, 0.85]),
  place("Umeå", "SE", [63.826, 20.263], "Europe/Stockholm", nordic, [-8, 16], [0.7, 0.5]),
  place("Chennai", "IN", [13.083, 80.27], "Asia/Kolkata", india, [25, 31], [0.35, 0.7]),
  place("Kiruna", "SE", [67.856, 20.225], "Europe/Stockholm", nordic, [-13, 13], [0.65, 0.55]),
  place("Ahmedabad", "IN", [23.023, 72.571], "Asia/Kolkata", india, [20, 30], [0.15, 0.75]),
  place("Graz", "AT", [47.071, 15.439], "Europe/Vienna", continental, [-1, 21], [0.7, 0.47]),
  place("Vienna", "AT", [48.208, 16.374], "Europe/Vienna", continental, [1, 22], [0.75, 0.47]),
  place("Berlin", "DE", [52.52, 13.405], "Europe/Berlin", continental, [1, 20], [0.75, 0.5]),
  place("Munich", "DE", [48.137, 11.575], "Europe/Berlin", continental, [0, 19], [0.75, 0.52]),
  place("Freiburg", "DE", [47.999, 7.842], "Europe/Berlin", continental, [2, 20.5], [0.75, 0.48]),
  place("Hamburg", "DE", [53.551, 9.994], "Europe/Berlin", continental, [2, 18.5], [0.75, 0.6]),
  place("Seville", "ES", [37.389, -5.984], "Europe/Madrid", continental, [11, 28], [0.4, 0.1]),
  place("Valencia", "ES", [39.47, -0.376], "Europe/Madrid", continental, [12, 26], [0.4, 0.2]),
  place("Milan", "IT", [45.464, 9.19], "Europe/Rome", continental, [3, 25], [0.6, 0.3]),
  place("Nairobi", "KE", [-1.286, 36.817], "Africa/Nairobi", kenya, [20, 17], [0.4, 0.7]),
  place("Mombasa", "KE", [-4.043, 39.668], "Africa/Nairobi", kenya, [28, 24.5], [0.4, 0.55]),
  place("Cape Town", "ZA", [-33.925, 18.424], "Africa/Johannesburg", southAfrica, [21.5, 12.5], [0.2, 0.45]),
  place("Fortaleza", "BR", [-3.732, -38.527], "America/Fortaleza", brazil220, [27.5, 26.5], [0.5, 0.35]),
  place("Belo Horizonte", "BR", [-19.917, -43.934], "America/Sao_Paulo", brazil127, [23.5, 18.5], [0.6, 0.25]),
  place("Adelaide", "AU", [-34.929, 138.601], "Australia/Adelaide", australiaEast, [23, 12], [0.25, 0.55]),
  place("Brisbane", "AU", [-27.47, 153.026], "Australia/Brisbane", australiaEast, [25.5, 15.5], [0.5, 0.3]),
  place("Perth", "AU", [-31.951, 115.861], "Australia/Perth", australiaWest, [25, 13], [0.15, 0.5]),
  place("San Diego", "US", [32.716, -117.161], "America/Los_Angeles", americaWest, [14, 21], [0.35, 0.35]),
  place("Austin", "US", [30.267, -97.743], "America/Chicago", texas, [10.5, 29.5], [0.5, 0.3]),
  place("Boston", "US", [42.36, -71.058], "America/New_York", americaEast, [-1.5, 23.5], [0.55, 0.45]),
  place("Tokyo", "JP", [35.676, 139.65], "Asia/Tokyo", japan50, [5.5, 26], [0.3, 0.7]),
  place("Fukuoka", "JP", [33.59, 130.402], "Asia/Tokyo", japan60, [7, 28], [0.6, 0.6]),
];
