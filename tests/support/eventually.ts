export { eventually, inTime } from "@wattboard/testing";
