package io.llmguard.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.JwtAuthenticator;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Instant;
import java.util.Date;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whose tokens are taken; keys go on being taken beside them. */
public abstract class TokenContract extends HttpContract {
  private static final String ISSUER = "https://id.example";
  private static final String ISSUER_THAT_IS_DOWN = "https://down.example";
  private static final String AUDIENCE = "llm";

  private static RSAKey signer;
  private static RSAKey stranger;

  private HttpServer jwksServer;

  @BeforeAll
  static void generateKeys() throws JOSEException {
    signer = new RSAKeyGenerator(2048).keyID("k1").generate();
    stranger = new RSAKeyGenerator(2048).keyID("k1").generate();
  }

  @Override
  protected AuthenticationStage.Builder authentication() throws Exception {
    jwksServer = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    jwksServer.createContext(
        "/jwks",
        exchange -> {
          byte[] jwks = new JWKSet(signer.toPublicJWK()).toString().getBytes(UTF_8);
          exchange.sendResponseHeaders(200, jwks.length);
          exchange.getResponseBody().write(jwks);
          exchange.close();
        });
    jwksServer.createContext(
        "/down",
        exchange -> {
          exchange.sendResponseHeaders(503, -1);
          exchange.close();
        });
    jwksServer.start();
    URI issuers = URI.create("http://127.0.0.1:" + jwksServer.getAddress().getPort());
    AuthenticationStage.Builder stage = AuthenticationStage.builder();
    stage.authenticator(tokens(ISSUER, issuers.resolve("/jwks")));
    stage.authenticator(tokens(ISSUER_THAT_IS_DOWN, issuers.resolve("/down")));
    stage.authenticator(ApiKeyAuthenticator.builder().keys(keys).build());
    return stage;
  }

  private static JwtAuthenticator tokens(String issuer, URI jwks) {
    return JwtAuthenticator.builder(issuer).audience(AUDIENCE).jwks(jwks).build();
  }

  @AfterEach
  void stopIssuer() {
    jwksServer.stop(0);
  }

  /** What is wrong with a token. */
  enum Wrong {
    ALGORITHM_NONE {
      @Override
      String token() {
        return new PlainJWT(claims().build()).serialize();
      }
    },
    ISSUER_OF_OTHERS {
      @Override
      String token() throws JOSEException {
        return signed(claims().issuer("https://evil.example"));
      }
    },
    AUDIENCE_OF_OTHERS {
      @Override
      String token() throws JOSEException {
        return signed(claims().audience("billing"));
      }
    },
    NO_AUDIENCE {
      @Override
      String token() throws JOSEException {
        return signed(claims().audience((String) null));
      }
    },
    EXPIRED {
      @Override
      String token() throws JOSEException {
        return signed(claims().expirationTime(Date.from(Instant.now().minusSeconds(600))));
      }
    },
    WITHOUT_AN_END {
      @Override
      String token() throws JOSEException {
        return signed(claims().expirationTime(null));
      }
    },
    SIGNED_BY_AN_UNKNOWN_KEY {
      @Override
      String token() throws JOSEException {
        return signed(JWSAlgorithm.RS256, new RSASSASigner(stranger), claims());
      }
    },
    SIGNED_WITH_THE_PUBLIC_KEY_AS_SECRET {
      @Override
      String token() throws JOSEException {
        return signed(
            JWSAlgorithm.HS256, new MACSigner(signer.toRSAPublicKey().getEncoded()), claims());
      }
    },
    TRUNCATED {
      @Override
      String token() throws JOSEException {
        String whole = signed(claims());
        return whole.substring(0, whole.length() - 10);
      }
    };

    abstract String token() throws JOSEException;
  }

  private static JWTClaimsSet.Builder claims() {
    return new JWTClaimsSet.Builder()
        .issuer(ISSUER)
        .subject("ada")
        .audience(AUDIENCE)
        .expirationTime(Date.from(Instant.now().plusSeconds(300)));
  }

  private static String signed(JWTClaimsSet.Builder claims) throws JOSEException {
    return signed(JWSAlgorithm.RS256, new RSASSASigner(signer), claims);
  }

  private static String signed(JWSAlgorithm algorithm, JWSSigner key, JWTClaimsSet.Builder claims)
      throws JOSEException {
    SignedJWT token =
        new SignedJWT(new JWSHeader.Builder(algorithm).keyID("k1").build(), claims.build());
    token.sign(key);
    return token.serialize();
  }

  private RawHttp.Head version(RawHttp client, String token) throws Exception {
    client.get("/api/version", "Authorization: Bearer " + token);
    return client.readHead();
  }

  @Test
  void aGoodTokenLetsItsHolderIn() throws Exception {
    try (RawHttp client = connect()) {
      assertThat(version(client, signed(claims())).status()).isEqualTo(200);
      Ended ended = nextEnded();
      assertThat(String.valueOf(ended.exchange().caller())).contains("JWT");
      assertThat(upstream.takeRequest().header("Authorization")).isEmpty();
    }
  }

  @Test
  void aKeyIsTakenBesideTokens() throws Exception {
    try (RawHttp client = connect()) {
      assertThat(version(client, key).status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aBadTokenIsRefusedAndSaysNothingAboutItself(Wrong wrong) throws Exception {
    String token = wrong.token();
    try (RawHttp client = connect()) {
      RawHttp.Head head = version(client, token);
      assertThat(head.status()).isEqualTo(401);
      assertThat(head.header("WWW-Authenticate").orElse("")).contains("error=\"invalid_token\"");
      assertThat(client.readText()).doesNotContain(token, "ada", ISSUER);
      assertThat(nextEnded().outcome().word()).isEqualTo("refused:invalid-credential");
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void anIssuerThatIsDownLetsNobodyInAndIsNoFaultOfTheCaller() throws Exception {
    try (RawHttp client = connect()) {
      String token = signed(claims().issuer(ISSUER_THAT_IS_DOWN));
      assertThat(version(client, token).status()).isEqualTo(503);
      assertThat(upstream.requests()).isEmpty();
    }
    try (RawHttp client = connect()) {
      assertThat(version(client, key).status()).isEqualTo(200);
    }
  }
}
