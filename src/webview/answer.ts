import './shared/strings';
import { AnswerPanel } from './answer/answer-panel';
import { boot } from './shared/boot';

boot(() => new AnswerPanel());
