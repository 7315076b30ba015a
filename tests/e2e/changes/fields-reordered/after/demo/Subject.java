package demo;

public class Subject {
    int b;
    int a;

    static String run() {
        return "new";
    }
}
