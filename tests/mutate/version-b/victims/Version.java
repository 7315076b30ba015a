/* SPDX-License-Identifier: Apache-2.0 */
package victims;

/**
 * The second set of constants; SECOND compiles more code, and with it more constants, into
 * methods that are there in both.
 */
final class Version {
    static final String NAME = "the second one";
    static final int NUMBER = 70_001;
    static final long LONG = 3L << 41;
    static final double DOUBLE = 2.75;
    static final boolean SECOND = true;

    private Version() {
    }
}
