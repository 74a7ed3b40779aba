import './shared/strings';
import { boot } from './shared/boot';
import { SpansPanel } from './spans/spans-panel';

boot(() => new SpansPanel());
