import './shared/strings';
import { boot } from './shared/boot';
import { SummaryPanel } from './summary/summary-panel';

boot(() => new SummaryPanel());
