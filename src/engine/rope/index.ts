export { calibrate, type Calibrated, type CalibrateOptions } from '../calibration/calibrate';
export {
  SearchCancelledError,
  searchFactors,
  type DcisOptions,
  type DcisProgress,
  type DcisResult,
  type DcisState,
} from '../calibration/dcis';
export {
  dependsOnLength,
  effectiveFactors,
  ropeFrequencies,
  temperature,
  withFactors,
  type RopeFrequencies,
} from './frequencies';
export { factorPerplexity, needleRows, perplexityRows, type CalibrationRow } from '../calibration/objective';
