package dev.portcullis.ingress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.portcullis.config.GatewayConfig;
import dev.portcullis.protocol.Image;
import java.util.Base64;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImagesTest {
  private final Images images = new Images(new GatewayConfig.Images(1_000, 1_500, 3));

  private Problem refused(String url) {
    return assertThrows(InputFault.class, () -> images.read("image", url)).problem();
  }

  private static String png(int bytes) {
    var png = new byte[bytes];
    System.arraycopy(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, 0, png, 0, 8);
    return "data:image/png;base64," + Base64.getEncoder().encodeToString(png);
  }

  @ParameterizedTest
  @CsvSource({
      "data:image/png;base64, iVBORw0KGgo=, image/png, 8",
      "DATA:IMAGE/PNG;BASE64, iVBORw0KGgo, image/png, 8",
      "data:image/jpg;base64, /9j/4A==, image/jpeg, 4",
      "data:image/gif;base64, R0lGODlh, image/gif, 6",
      "data:image/webp;base64, UklGRgAAAABXRUJQ, image/webp, 12"
  })
  void anImageIsWhatItsFirstBytesSay(String head, String data, String mediaType, int bytes) {
    var padded = Base64.getEncoder().encodeToString(Base64.getDecoder().decode(data));
    assertEquals(new Image(mediaType, bytes, padded), images.read("image", head + "," + data));
  }

  @ParameterizedTest
  @Tag("SEC-32")
  @ValueSource(strings = {"", "x", "http://127.0.0.1/a.png", "https://example.com./a.png", "file:///etc/passwd",
      "data:image/png,iVBORw0KGgo=", "data:image/png;charset=x;base64,iVBORw0KGgo=", " data:image/png;base64,iVBORw0KGgo=",
      "ftp://data:image/png;base64,iVBORw0KGgo="})
  void anyOtherUrlIsRefused(String url) {
    assertEquals("invalid_image_url", refused(url).code());
    assertEquals(400, refused(url).status());
  }

  @ParameterizedTest
  @CsvSource({
      "data:image/svg+xml;base64, iVBORw0KGgo=, unsupported_image_media_type",
      "data:text/html;base64, iVBORw0KGgo=, unsupported_image_media_type",
      "data:image/png;base64, R0lGODlh, invalid_image_format",
      "data:image/webp;base64, UklGRgAAAABXQVZF, invalid_image_format",
      "data:image/png;base64, ´´´´, invalid_base64_image",
      "data:image/png;base64, iVBORw0KGg o=, invalid_base64_image",
      "data:image/png;base64, '', invalid_image_format"
  })
  void whatIsNoImageIsRefusedWithItsReason(String head, String data, String code) {
    assertEquals(code, refused(head + "," + data).code());
  }

  @Test
  @Tag("SEC-34")
  void whatIsTooLongIsRefusedBeforeItIsDecoded() {
    // No base64 at all: whoever decoded it would say so.
    var problem = refused("data:image/png;base64," + "!".repeat(40 << 20));
    assertEquals(413, problem.status());
    assertEquals("image_too_large", problem.code());
  }

  @Test
  void theLimitIsTheDecodedLength() {
    images.read("image", png(1_000));
    assertEquals("image_too_large", refused(png(1_003)).code());
  }

  @Test
  void theImagesOfOneTurnAreLimitedTogetherAndInNumber() {
    images.read("image", png(900));
    assertEquals("image_too_large", refused(png(900)).code());
    var small = new Images(new GatewayConfig.Images(1_000, 1_500, 1));
    small.read("image", png(10));
    assertEquals("too_many_images",
        assertThrows(InputFault.class, () -> small.read("image", png(10))).problem().code());
  }
}
