package io.llmguard.key;

class MemoryKeyStoreTest extends KeyStoreContract {
  @Override
  protected KeyStore store() {
    return new MemoryKeyStore();
  }
}
