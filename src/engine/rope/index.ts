export {
  dependsOnLength,
  effectiveFactors,
  ropeFrequencies,
  temperature,
  withFactors,
  type RopeFrequencies,
} from './frequencies';
