/** Solidity: definitions, extents, documentation, visibility and imports. */
import { expect, test } from 'vitest';
import { languageOf } from '../../../src/workspace/languages';
import { createSegmenter } from '../../../src/workspace/segments/segmenter';

const VAULT = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import "./Token.sol";
import {Ownable, Math as M} from "@openzeppelin/contracts/access/Ownable.sol";

interface IVault {
    function deposit(uint256 amount) external;
}

/// @title Holds tokens until their time has come.
abstract contract Vault is IVault, Ownable {
    uint256 public constant MAX_DAYS = 365;

    struct Lock {
        uint256 amount;
        uint64 until;
    }

    event Deposited(address indexed from, uint256 amount);
    error TooEarly(uint64 until);

    modifier onlyOpen() {
        require(!paused);
        _;
    }

    constructor(address token) {
        asset = token;
    }

    /**
     * Takes tokens from the caller.
     * @param amount in the token's smallest unit
     */
    function deposit(uint256 amount)
        external
        override
        onlyOpen
    {
        locks[msg.sender].amount += amount;
    }

    function _release(Lock memory lock) private {
        delete lock;
    }
}
`;

test('Solidity', async () => {
  expect(languageOf('contracts/Vault.sol')).toBe('solidity');
  const segmenter = await createSegmenter();
  const { symbols, imports } = await segmenter.segment({ path: 'Vault.sol', language: 'solidity', text: VAULT });
  segmenter.close();
  const found = symbols.map(({ kind, name, container }) => `${kind} ${[...container, name].join('.')}`);
  expect(found).toEqual([
    'interface IVault',
    'method IVault.deposit',
    'class Vault',
    'constant Vault.MAX_DAYS',
    'struct Vault.Lock',
    'type Vault.Deposited',
    'type Vault.TooEarly',
    'method Vault.onlyOpen',
    'method Vault.constructor',
    'method Vault.deposit',
    'method Vault._release',
  ]);
  const vault = symbols.find(({ name }) => name === 'Vault');
  expect(vault).toMatchObject({
    doc: '@title Holds tokens until their time has come.',
    endLine: VAULT.trimEnd().split('\n').length,
  });
  const deposit = symbols.findLast(({ name }) => name === 'deposit');
  expect(deposit).toMatchObject({
    startLine: 36,
    endLine: 42,
    signature: 'function deposit(uint256 amount) external override onlyOpen',
    exported: true,
  });
  expect(deposit?.doc).toContain('Takes tokens from the caller.');
  expect(symbols.at(-1)).toMatchObject({ name: '_release', exported: false });
  expect(imports).toEqual(['./Token.sol', '@openzeppelin/contracts/access/Ownable.sol']);
});
