package io.llmguard.boot;

import io.llmguard.assembly.DataDirectory;
import io.llmguard.assembly.FirstKey;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.StateDatabase;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyLookup;
import io.llmguard.key.KeyStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Lazy;

/** Keys in the data directory, unless the application keeps them elsewhere. */
@Lazy
@Configuration(proxyBeanMethods = false)
class KeyConfiguration {
  private static final Logger log = LoggerFactory.getLogger(KeyConfiguration.class);

  /** Where the state is. */
  @Bean
  @ConditionalOnMissingBean
  DataDirectory llmGuardDataDirectory(GuardSettings settings) {
    return DataDirectory.of(settings);
  }

  /** The database in it. */
  @Bean
  @ConditionalOnMissingBean
  StateDatabase llmGuardDatabase(DataDirectory directory) {
    return StateDatabase.open(directory);
  }

  /** The keys. */
  @Bean
  @ConditionalOnMissingBean
  KeyStore llmGuardKeyStore(StateDatabase database) {
    return database.keys();
  }

  /** The keys as calls look them up; makes the first one. */
  @Bean
  @ConditionalOnMissingBean(KeyLookup.class)
  KeyDirectory llmGuardKeys(KeyStore store, GuardSettings settings, DataDirectory directory) {
    if (settings.masterKey() == null && settings.firstKey()) {
      FirstKey.Shown shown = FirstKey.make(store, directory.make(), FirstKey.onTerminal());
      if (shown instanceof FirstKey.Shown.OnTerminal onTerminal) {
        // past every logger, so that no log holds it
        System.out.println("llmguard: first key " + onTerminal.text());
      } else if (shown instanceof FirstKey.Shown.InFile inFile) {
        log.info("first key: {}", inFile.text());
      }
    }
    return KeyDirectory.builder(store).open();
  }
}
