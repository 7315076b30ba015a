package demo;

public class Subject {
    public static final int SIZE = 1;

    static String run() {
        return "old";
    }
}
