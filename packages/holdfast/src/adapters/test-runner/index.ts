export { simulationTest, type DeclareTest, type SimulationEnvironment } from "./simulation-test.ts";
