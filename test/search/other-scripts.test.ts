/** Search in scripts without spaces between words. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Workspace } from '../../src/workspace';
import { SETTINGS, TestWorkspace } from '../workspace/files';
import { searchOver } from '../workspace/search-over';

let disk: TestWorkspace;
let workspace: Workspace;
beforeEach(async () => {
  disk = new TestWorkspace();
  disk.put('docs/server.md', '# 通信\n\nサーバーが応答しないときは三十秒後に再接続します。\n');
  disk.put(
    'docs/reader.md',
    '# リーダーとロール\n\nリーダーは登録された順に呼ばれ、ロールごとに権限が決まります。リーダーのロールは変えられます。\n',
  );
  disk.put('docs/loader.md', '# 起動の順序\n\n設定を読んだあとで画像のローダーが一度だけ作られます。\n');
  // As a word processor wraps lines: at any character.
  disk.put(
    'docs/wrapped.md',
    '# 配布\n\n完成したものはミラーで公開され、利用者はそこからパッケー\nジを取り出します。古い版は自動で消\nえません。\n',
  );
  disk.put('docs/log.md', '# 保存\n\nログファイルは七日で消えます。\n');
  disk.put(
    'docs/cache.md',
    '# 缓存\n\n缓存的有效期是七天，过期的条目在夜间清理。\n\n# 登录\n\n会话令牌由服务器签名。连续三次密码错误后账户锁定一小时。\n',
  );
  workspace = await Workspace.open({
    folders: disk.folders,
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threads: 0,
  });
  await workspace.start();
});
afterEach(async () => {
  await workspace.close();
  disk.dispose();
});

const found = async (question: string): Promise<string[]> => {
  const { spans } = await searchOver(workspace).search(question, { scope: { kind: 'workspace' }, limit: 5 });
  return spans.map(({ path, startLine }) => `${path}:${startLine}`);
};

it.each([
  ['ローダー', 'docs/loader.md:3'],
  ['ローダーはいつ作られますか', 'docs/loader.md:3'],
  ['リーダー', 'docs/reader.md:3'],
  ['サーバー', 'docs/server.md:3'],
  ['ｻｰﾊﾞｰ', 'docs/server.md:3'],
  ['サーバ', 'docs/server.md:3'],
  ['ログ', 'docs/log.md:3'],
  ['パッケージ', 'docs/wrapped.md:3'],
  ['账户什么时候会被锁定？', 'docs/cache.md:7'],
  ['缓存的有效期是多久？', 'docs/cache.md:3'],
])('%s is found first in its place', async (question, place) => {
  expect((await found(question))[0]).toBe(place);
});

it('a word that occurs nowhere finds nothing, though its pairs of letters occur', async () => {
  expect(await found('バーサー')).toEqual([]);
});
