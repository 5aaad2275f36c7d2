package io.llmguard.inspect;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** What {@link SensitiveData} finds; docs/content-guards.md says by which form. */
public enum SensitiveKind {
  /** A private key in PEM or OpenPGP armour, with its body. */
  PRIVATE_KEY(Group.SECRET),
  /** An access key id of AWS, or a secret access key by its name. */
  AWS_KEY(Group.SECRET),
  /** A token of GitHub. */
  GITHUB_TOKEN(Group.SECRET),
  /** A token of GitLab. */
  GITLAB_TOKEN(Group.SECRET),
  /** A token of Slack, or a webhook's path. */
  SLACK_TOKEN(Group.SECRET),
  /** An API key, client secret or access token of Google. */
  GOOGLE_KEY(Group.SECRET),
  /** A secret key of Stripe, or a webhook's secret. */
  STRIPE_KEY(Group.SECRET),
  /** A key of OpenAI, or of one of the many servers whose keys look like them. */
  OPENAI_KEY(Group.SECRET),
  /** A key of Anthropic. */
  ANTHROPIC_KEY(Group.SECRET),
  /** A key of llmguard's own, by its checksum. */
  LLMGUARD_KEY(Group.SECRET),
  /** A token of Hugging Face. */
  HUGGING_FACE_TOKEN(Group.SECRET),
  /** A token of npm. */
  NPM_TOKEN(Group.SECRET),
  /** A signed JSON Web Token. */
  JWT(Group.SECRET),
  /** What follows {@code Bearer} or {@code Basic}. */
  AUTHORIZATION(Group.SECRET),
  /** User and password in a URL. */
  URL_CREDENTIALS(Group.SECRET),
  /** An e-mail address. */
  EMAIL(Group.PERSONAL),
  /** A phone number in international form. */
  PHONE(Group.PERSONAL),
  /** An IBAN whose check digits are right. */
  IBAN(Group.PERSONAL),
  /** The number of a payment card whose check digit is right. */
  PAYMENT_CARD(Group.PERSONAL),
  /** A social security number of the United States. */
  US_SSN(Group.PERSONAL),
  /** An IPv4 or IPv6 address: found only where it is asked for. */
  IP_ADDRESS(Group.ASKED_FOR);

  private enum Group {
    SECRET,
    PERSONAL,
    ASKED_FOR
  }

  private static final Set<SensitiveKind> SECRETS = all(Group.SECRET);
  private static final Set<SensitiveKind> PERSONAL_DATA = all(Group.PERSONAL);

  private final Group group;
  private final String word = name().toLowerCase(Locale.ROOT).replace('_', '-');

  SensitiveKind(Group group) {
    this.group = group;
  }

  private static Set<SensitiveKind> all(Group group) {
    Set<SensitiveKind> kinds = EnumSet.noneOf(SensitiveKind.class);
    for (SensitiveKind kind : values()) {
      if (kind.group == group) {
        kinds.add(kind);
      }
    }
    return Collections.unmodifiableSet(kinds);
  }

  /** What lets its holder in somewhere. */
  public static Set<SensitiveKind> secrets() {
    return SECRETS;
  }

  /** What is about a person; IP addresses are not among them. */
  public static Set<SensitiveKind> personalData() {
    return PERSONAL_DATA;
  }

  /** The kind as it stands in reasons, masks and metrics: {@code payment-card}. */
  public String word() {
    return word;
  }
}
