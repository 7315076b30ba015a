package demo;

public class Subject extends java.util.BitSet {
    static String run() {
        return "new";
    }
}
