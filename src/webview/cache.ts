import './shared/strings';
import { CachePanel } from './cache/cache-panel';
import { boot } from './shared/boot';

boot(() => new CachePanel());
